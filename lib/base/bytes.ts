/** The bytes that end lines. */

/** `\n`. */
export const lineFeed = 0x0a;

/** `\r`. */
export const carriageReturn = 0x0d;
