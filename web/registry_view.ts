import { send } from "./api.ts";
import { data, element } from "./dom.ts";
import { link } from "./links.ts";

/** Number of names that are requested at once. */
const PAGE = 1000;

/** Creates the list of the repositories of a registry. */
export async function createRepositoriesView(): Promise<HTMLElement> {
  const repositories = await listAll("v2/_catalog", "repositories");
  return element(
    "article",
    {},
    element("h2", {}, "Repositories"),
    repositories.length === 0 && element("p", {}, "The registry is empty."),
    element("ul", { class: "links" }, repositories.map((name) => element("li", {}, link({ repository: name }, name)))),
  );
}

/** Creates the list of the tags of a repository. */
export async function createTagsView(repository: string): Promise<HTMLElement> {
  // Names of repositories have no characters that would change the path, except for the dots of relative paths.
  const tags = await listAll(`v2/${encodeURIComponent(repository).replaceAll("%2F", "/")}/tags/list`, "tags");
  const name = (tag: string) => `${location.host}/${repository}:${tag}`;
  return element(
    "article",
    {},
    element("h2", {}, "Tags of ", data(repository)),
    tags.length === 0 && element("p", {}, "No tags."),
    element("ul", { class: "links" }, tags.map((tag) => element("li", {}, link({ image: name(tag) }, tag)))),
    element("p", {}, link({}, "All repositories")),
  );
}

async function listAll(path: string, member: string): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const last = names.at(-1);
    const query = new URLSearchParams({ n: String(PAGE), ...(last === undefined ? {} : { last }) });
    const page = (await send(`${path}?${query}`) as Record<string, string[]>)[member] ?? [];
    names.push(...page);
    if (page.length < PAGE) return names;
  }
}
