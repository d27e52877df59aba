/** The part of @std/cli's API that this project uses, for machines that cannot reach JSR. */
// The std library's own `unicodeWidth` reads a table that its npm package leaves out.
export { unicodeWidth } from "./unicode_width.ts";
