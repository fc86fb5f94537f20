/** The page: shows what the fragment of its URL names, and asks for it if it names nothing. */
import { ApiError, inspect, isLoggedIn, logOut, validate } from "./api.ts";
import { announce, button, clean, element } from "./dom.ts";
import { createDiffView } from "./diff_view.ts";
import { createIndexView } from "./index_view.ts";
import { createForm } from "./links.ts";
import { createRepositoriesView, createTagsView } from "./registry_view.ts";
import { createRunsView, createRunView } from "./run_view.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings();
const main = element("main", { id: "main", tabindex: "-1" });
/** Ends the work of the view that is left. */
let shown = new AbortController();

/** Shows the image, run or repository that the fragment names. */
async function show(): Promise<void> {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const query = new URLSearchParams(location.hash.slice(1));
  main.replaceChildren(element("p", { class: "note" }, "Loading…"));
  try {
    const view = await createView(query, signal);
    if (signal.aborted) return;
    main.replaceChildren(view);
    const heading = view.querySelector("h2")?.textContent;
    document.title = heading ? `${heading} – Multi-arch images` : "Multi-arch images";
    announce("");
  } catch (error) {
    if (signal.aborted) return;
    main.replaceChildren(createErrorView(error));
  }
  logout.hidden = !isLoggedIn();
}

/** Creates the view of what the fragment of the URL names. */
async function createView(query: URLSearchParams, signal: AbortSignal): Promise<HTMLElement> {
  const { images = [], kind } = settings;
  const [image = images[0], other = images[1]] = [query.get("image"), query.get("with")].map((name) =>
    name ?? undefined
  );
  const target = query.get("target");
  const run = query.get("run");
  const repository = query.get("repository");
  if (query.has("image") || images.length > 0) {
    return other === undefined || other === image || query.has("image") && !query.has("with")
      ? await showImage(image!)
      : createDiffView(...await Promise.all([inspect(image!), inspect(other)]));
  }
  if (target !== null) return await (run === null ? createRunsView(target) : createRunView(target, run, signal));
  if (kind !== "registry") return createHome();
  return await (repository === null ? createRepositoriesView() : createTagsView(repository));
}

async function showImage(image: string): Promise<HTMLElement> {
  const { view, showValidation } = createIndexView(await inspect(image));
  void validate(image).then(showValidation, showValidation);
  if (settings.kind === "inspect") return view;
  const field = { name: "with", label: "Compare with", example: image };
  return element("div", {}, view, createForm("Compare", [field], { image }));
}

/** Creates the forms of the service. */
function createHome(): HTMLElement {
  const image = { name: "image", label: "Image", example: "quay.io/me/app:1" };
  const other = { name: "with", label: "Compare with (optional)", example: "quay.io/me/app:2", optional: true };
  const target = { name: "target", label: "Target", example: "quay.io/me/app:1" };
  const run = { name: "run", label: "Run (optional)", example: "123", optional: true };
  return element(
    "div",
    { class: "home" },
    element("h2", {}, "Images"),
    createForm("Show the image", [image, other]),
    settings.fanIn && [element("h2", {}, "Runs"), createForm("Show the run", [target, run])],
  );
}

function createErrorView(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  return element(
    "div",
    { class: "error", role: "alert" },
    element("p", { class: "bad" }, clean(message)),
    error instanceof ApiError && error.code !== "" && element("p", { class: "note" }, `Code: ${clean(error.code)}`),
    button("Try again", () => void show()),
  );
}

const logout = button("Log out", () => {
  logOut();
  void show();
});
document.body.prepend(
  element(
    "header",
    {},
    element("h1", {}, element("a", { href: "#" }, "Multi-arch images")),
    logout,
  ),
  main,
  element("p", { id: "status", role: "status" }),
);
addEventListener("hashchange", () => {
  // The link that was followed is gone with its view: the keyboard goes on in the next one.
  main.focus();
  void show();
});
void show();
