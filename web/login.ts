import { button, clean, element } from "./dom.ts";
import { readSettings } from "./settings.ts";

let open: Promise<string | undefined> | undefined;

/**
 * Asks the user for credentials; returns the value of the header `authorization`, or `undefined` if the user cancels.
 * Requests that need them at the same time share one dialog.
 *
 * @param problem Reason why the last credentials were refused; default: there were none.
 */
export async function askForLogin(problem?: string): Promise<string | undefined> {
  open ??= ask(problem).finally(() => open = undefined);
  return await open;
}

function ask(problem: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => showDialog(problem, resolve));
}

function showDialog(problem: string | undefined, resolve: (authorization: string | undefined) => void): void {
  const isRegistry = readSettings().kind === "registry";
  const name = createInput("login-name", "text", "username");
  const secret = createInput("login-secret", "password", isRegistry ? "current-password" : "off");
  const dialog = element("dialog", { "aria-labelledby": "login-title" });
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "login-title" }, "Log in"),
    problem !== undefined && element("p", { class: "bad" }, clean(problem)),
    isRegistry && [element("label", { for: "login-name" }, "User name"), name],
    element("label", { for: "login-secret" }, isRegistry ? "Password" : "Token"),
    secret,
    element("p", { class: "note" }, "It is kept in this tab until you log out or close it."),
    element(
      "p",
      {},
      element("button", { type: "submit" }, "Log in"),
      " ",
      button("Cancel", () => dialog.close()),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    resolve(isRegistry ? `Basic ${encodeBase64(`${name.value}:${secret.value}`)}` : `Bearer ${secret.value}`);
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    resolve(undefined);
    dialog.remove();
  });
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
}

function createInput(id: string, type: string, autocomplete: string): HTMLInputElement {
  return element("input", { id, type, autocomplete, required: "", autocapitalize: "off", spellcheck: "false" });
}

function encodeBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
