/** Offline stand-in for the parts of `@std/path` that this project uses. */
export { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";
