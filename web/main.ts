/** The page: shows what the fragment of its URL names, and asks for it if it names nothing. */
import { ApiError, inspect, isLoggedIn, logOut, validate } from "./api.ts";
import { announce, button, clean, element } from "./dom.ts";
import { createIndexView } from "./index_view.ts";
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
    announce("");
  } catch (error) {
    if (signal.aborted) return;
    main.replaceChildren(createErrorView(error));
  }
  logout.hidden = !isLoggedIn();
}

async function createView(query: URLSearchParams, signal: AbortSignal): Promise<HTMLElement> {
  const [image] = query.has("image") ? [query.get("image")!] : settings.images ?? [];
  if (image !== undefined) return await showImage(image, signal);
  return element("p", {}, "Enter the name of an image.");
}

async function showImage(image: string, signal: AbortSignal): Promise<HTMLElement> {
  const { view, showValidation } = createIndexView(await inspect(image));
  void validate(image).then(showValidation, showValidation).finally(() => signal.aborted);
  return view;
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

function createForm(): HTMLElement {
  const input = element("input", {
    id: "image",
    name: "image",
    type: "text",
    required: "",
    autocapitalize: "off",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "quay.io/me/app:1",
  });
  const form = element(
    "form",
    { role: "search" },
    element("label", { for: "image" }, "Image"),
    input,
    element("button", { type: "submit" }, "Show"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = new URLSearchParams({ image: input.value.trim() }).toString();
  });
  return form;
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
    settings.kind === "service" && createForm(),
    logout,
  ),
  main,
  element("p", { id: "status", role: "status" }),
);
addEventListener("hashchange", () => void show());
void show();
