/** One web page that shows indexes, runs of a fan-in and the content of a registry. */
export { createPage, type PageSettings } from "./page.ts";
