import { data, element } from "./dom.ts";

/** Creates a link to a view of this page. Its parameters are the fragment of the URL, which is not sent to the server. */
export function link(parameters: Readonly<Record<string, string>>, text: string): HTMLElement {
  return element("a", { href: `#${new URLSearchParams(parameters)}` }, data(text));
}

/** Opens a view of this page. */
export function open(parameters: Readonly<Record<string, string>>): void {
  location.hash = new URLSearchParams(parameters).toString();
}

/**
 * Creates a form that opens a view.
 *
 * @param fields Parameters of the view with their labels; those marked optional may stay empty.
 * @param fixed Parameters that the user does not enter.
 */
export function createForm(
  title: string,
  fields: readonly { name: string; label: string; example: string; optional?: boolean }[],
  fixed: Readonly<Record<string, string>> = {},
): HTMLElement {
  const inputs = fields.map(({ name, example, optional }) =>
    element("input", {
      id: `field-${name}`,
      name,
      type: "text",
      autocapitalize: "off",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: example,
      ...(optional ? {} : { required: "" }),
    })
  );
  const form = element(
    "form",
    { "aria-label": title },
    fields.map(({ name, label }, i) => [element("label", { for: `field-${name}` }, label), inputs[i]]),
    element("button", { type: "submit" }, title),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const entries = inputs.map(({ name, value }) => [name, value.trim()]).filter(([, value]) => value !== "");
    open({ ...fixed, ...Object.fromEntries(entries) });
  });
  return form;
}
