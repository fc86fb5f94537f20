/** Content of an element; texts are inserted as text, never parsed as HTML. */
export type Child = Node | string | undefined | false | readonly Child[];

/** Creates an element. Attribute names and values must not contain data, except in `href`, `title` and `aria-label`. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  append(created, children);
  return created;
}

function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (typeof child === "string") parent.appendChild(document.createTextNode(child));
    else if (child instanceof Node) parent.appendChild(child);
    else append(parent, child);
  }
}

/** Replaces control and format characters, which could hide or reorder text. Line breaks stay. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (char) => char === "\n" ? char : "\ufffd");
}

/** Creates the element for a text from outside, whose direction of writing cannot change that of its surroundings. */
export function data(text: string, attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  return element("bdi", attributes, clean(text));
}

/** Creates a button with an action. */
export function button(label: string, act: () => void, attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  const created = element("button", { type: "button", ...attributes }, label);
  created.addEventListener("click", act);
  return created;
}

/** Creates a text with a button that copies it. */
export function copyable(text: string, name: string, shown: string = text): HTMLElement {
  const copy = button("Copy", () => void copyText(text, name), { class: "copy", "aria-label": `Copy the ${name}` });
  return element("span", { class: "copyable" }, element("code", { title: clean(text) }, data(shown)), copy);
}

async function copyText(text: string, name: string): Promise<void> {
  try {
    // Browsers have no clipboard for pages over plain HTTP, except on this machine.
    await (navigator.clipboard as Clipboard | undefined)!.writeText(text);
    announce(`The ${name} is copied`);
  } catch {
    announce(`Cannot copy the ${name}: select its text instead`);
  }
}

/** Shows a short message, which screen readers read out. */
export function announce(message: string): void {
  document.getElementById("status")!.textContent = message;
}

/** Creates a list of names and values. */
export function facts(entries: readonly (readonly [name: string, value: Child])[]): HTMLElement {
  return element(
    "dl",
    {},
    entries.map(([name, value]) => [element("dt", {}, data(name)), element("dd", {}, value)]),
  );
}

/** Creates a table with a header. */
export function table(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, header.map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell))))),
    ),
  );
}

/** Shortens a digest to its first twelve digits. */
export function shortDigest(digest: string): string {
  return digest.replace(/^([^:]*:)?([0-9a-f]{12})[0-9a-f]+$/, "$2");
}
