/**
 * House rules that need a syntax tree: length of functions, number of parameters, width of comments. They are a plugin
 * of `deno lint`, so that editors show them too.
 */

/** The most lines a function may have between its braces, with these. The body of a test has no limit. */
export const functionLineLimit = 40;

/** The most columns a comment may take; the formatter keeps code within the same width. */
export const commentColumnLimit = 120;

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression
  | Deno.lint.TSDeclareFunction
  | Deno.lint.TSEmptyBodyFunctionExpression
  | Deno.lint.TSMethodSignature;

const functionLength: Deno.lint.Rule = {
  create(context) {
    const check = (node: FunctionNode) => {
      if (!("body" in node) || node.body?.type !== "BlockStatement" || isTestBody(node)) return;
      const lines = context.sourceCode.getText(node.body).split("\n").length;
      if (lines <= functionLineLimit) return;
      context.report({ node, message: `${nameOf(node)} has ${lines} lines, more than ${functionLineLimit}` });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const positionalArguments: Deno.lint.Rule = {
  create(context) {
    const check = (node: FunctionNode) => {
      const texts = node.params.map((param) => {
        // The range of a plain name does not include its type.
        const end = param.type === "Identifier" ? param.typeAnnotation?.range[1] : undefined;
        return context.sourceCode.text.slice(param.range[0], end ?? param.range[1]);
      });
      if (isInlineCallback(node) || takesFew(texts, isPrivate(node) ? 3 : 2)) return;
      context.report({ node, message: `${nameOf(node)} takes ${texts.length} arguments; use an options object` });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
      TSDeclareFunction: check,
      TSEmptyBodyFunctionExpression: check,
      TSMethodSignature: check,
    };
  },
};

const commentWidth: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        const { text } = context.sourceCode;
        for (const { range: [start, end] } of context.sourceCode.getAllComments()) {
          let lineStart = text.lastIndexOf("\n", start - 1) + 1;
          for (const line of text.slice(lineStart, end).split("\n")) {
            const range: Deno.lint.Range = [Math.max(start, lineStart), lineStart + line.length];
            lineStart = range[1] + 1;
            if (line.length <= commentColumnLimit) continue;
            context.report({ range, message: `The comment is ${line.length} columns wide` });
          }
        }
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "function-length": functionLength,
    "positional-arguments": positionalArguments,
    "comment-width": commentWidth,
  },
};

export default plugin;

/**
 * Two arguments (three inside a file), then perhaps one object of options, then perhaps a signal that ends the call.
 */
function takesFew(params: readonly string[], limit: number): boolean {
  const own = params.filter((param) => !/^this\b/.test(param));
  if (/^\w*signal\b|:\s*AbortSignal\b/i.test(own.at(-1) ?? "")) own.pop();
  if (isOptions(own.at(-1) ?? "")) own.pop();
  return own.length <= limit;
}

/**
 * A destructured argument, one that may be left out for `{}`, or one whose type is an object type or is named as
 * options are.
 */
function isOptions(param: string): boolean {
  return /=\s*\{\}$|^\{|^\w+\??:\s*(?:\{|Partial<|\w*(?:Options|Deps|Init|Change)\b)/.test(param);
}

/** Called from its own file alone: not exported, a private method, or a function in a function. */
function isPrivate(node: FunctionNode): boolean {
  if (node.type === "TSMethodSignature") return false;
  let owner: Deno.lint.Node = node;
  if (node.type !== "FunctionDeclaration" && node.type !== "TSDeclareFunction") {
    const { parent } = node;
    if (parent.type === "MethodDefinition") {
      return parent.key.type === "PrivateIdentifier" || parent.accessibility === "private";
    }
    if (parent.type === "VariableDeclarator") owner = parent.parent;
  }
  return owner.parent.type !== "ExportNamedDeclaration";
}

/** A function that is written where it is passed: its caller decides on the arguments. */
function isInlineCallback(node: FunctionNode): boolean {
  const { parent } = node;
  return (parent.type === "CallExpression" || parent.type === "NewExpression") && parent.callee !== node;
}

/** `Deno.test(name, body)`, `Deno.test({ fn: body })` and the like. */
function isTestBody(node: FunctionNode): boolean {
  let { parent } = node;
  if (parent.type === "Property") parent = parent.parent.parent;
  return parent.type === "CallExpression" && isDenoTest(parent.callee);
}

function isDenoTest(callee: Deno.lint.Expression): boolean {
  if (callee.type !== "MemberExpression") return false;
  const { object, property } = callee;
  if (object.type === "Identifier" && object.name === "Deno") {
    return property.type === "Identifier" && property.name === "test";
  }
  return isDenoTest(object);
}

function nameOf(node: FunctionNode): string {
  const named = "id" in node && node.id ? node.id : ownerOf(node);
  return named?.type === "Identifier" || named?.type === "PrivateIdentifier" ? `${named.name}()` : "A function";
}

/** What a function without a name is assigned to. */
function ownerOf(node: FunctionNode): Deno.lint.Node | undefined {
  if (node.type === "TSMethodSignature") return node.key;
  const { parent } = node;
  if (parent.type === "VariableDeclarator") return parent.id;
  return "key" in parent ? parent.key : undefined;
}
