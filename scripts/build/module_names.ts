/** The names that the bundler gives to modules in code that is not minified. Pure. */

/**
 * The text of a bundle without the names of its modules. Only stack traces show them, the minifier keeps them, and they
 * tell where the bundle was built.
 */
export function withoutModuleNames(code: string): string {
  return code.replace(/^(var [\w$]+ = __(?:esm|commonJS)\(\{\n\s*)"(?:[^"\\\n]|\\.)*"\(/gm, '$1""(');
}
