import { send } from "./api.ts";
import { announce, button, type Child, clean, copyable, data, element, facts, shortDigest } from "./dom.ts";
import { link } from "./links.ts";

/** A run of a fan-in, as `GET /fan-in` answers it. */
interface Run {
  readonly target: string;
  readonly tags?: readonly string[];
  readonly run: string;
  readonly state: "collecting" | "publishing" | "published" | "failed" | "superseded" | "ended";
  readonly expected: readonly string[];
  readonly missing: readonly string[];
  readonly reports: Readonly<Record<string, string>>;
  readonly reporters: Readonly<Record<string, { readonly by: string; readonly at: string }>>;
  readonly began: string;
  readonly expires: string;
  readonly leaseUntil?: string;
  readonly digest?: string;
  readonly superseded?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** Time between two requests for the state of a run, in milliseconds. */
const INTERVAL = 2000;
/** States that can still change. */
const OPEN: readonly string[] = ["collecting", "publishing", "failed"];

/** Creates the view of a run, which updates itself until `signal` aborts. */
export async function createRunView(target: string, run: string, signal: AbortSignal): Promise<HTMLElement> {
  const path = `fan-in?${new URLSearchParams({ target, run })}`;
  const head = element("div", { "aria-live": "polite" });
  const cells = element("ul", { class: "cells" });
  const view = element("article", { class: "run" }, element("h2", {}, "Run ", data(run)), head, cells);
  let last: Run | undefined;
  const update = async (): Promise<void> => {
    const next = await send(path) as Run;
    showHead(head, next, last);
    showCells(cells, next, last);
    last = next;
  };
  await update();
  const timer = setInterval(() => {
    showAges(view);
    if (document.hidden || !OPEN.includes(last!.state)) return;
    update().then(
      () => announce(""),
      (error) => !signal.aborted && announce(`Cannot update: ${clean(String(error.message))}`),
    );
  }, INTERVAL);
  signal.addEventListener("abort", () => clearInterval(timer));
  return view;
}

/** Creates the list of the runs of a target. */
export async function createRunsView(target: string): Promise<HTMLElement> {
  const list = element("ul", { class: "links" });
  const more = button("Show more", () => void load());
  let after: string | undefined;
  const load = async (): Promise<void> => {
    const query = new URLSearchParams({ target, ...(after === undefined ? {} : { after }) });
    const page = await send(`fan-in?${query}`) as { runs: readonly Run[]; next?: string };
    for (const { run, state, expected, missing, began } of page.runs) {
      const reported = `${expected.length - missing.length} of ${expected.length} platforms`;
      list.append(element("li", {}, link({ target, run }, run), ` ${state}, ${reported}, began `, age(began)));
    }
    after = page.next;
    more.hidden = after === undefined;
  };
  await load();
  const empty = list.childElementCount === 0 && element("p", {}, "No runs.");
  return element("article", {}, element("h2", {}, "Runs of ", data(target)), empty, list, more);
}

function showHead(head: HTMLElement, run: Run, last: Run | undefined): void {
  if (last && JSON.stringify(last) === JSON.stringify(run)) return;
  const { target, tags = [], state, missing, expected, error, digest, superseded = [] } = run;
  const tone = { published: "good", failed: "bad", superseded: "bad", ended: "muted" }[state as string] ?? "busy";
  head.replaceChildren(
    element("p", { class: `state ${tone}` }, describeState(run)),
    error ? element("p", { class: "bad" }, clean(error.message)) : "",
    facts([
      ["Target", link({ image: target }, target)],
      ...(tags.length > 0 ? [["Tags", data(tags.join(", "))] as const] : []),
      ...(superseded.length > 0 ? [["Left unchanged", data(superseded.join(", "))] as const] : []),
      ["Reported", `${expected.length - missing.length} of ${expected.length} platforms`],
      ...(digest === undefined ? [] : [["Digest", copyable(digest, "digest")] as const]),
      ["Began", age(run.began)],
      ["Expires", element("time", { datetime: run.expires }, new Date(run.expires).toLocaleString())],
    ]),
  );
}

function describeState({ state, missing, leaseUntil }: Run): string {
  switch (state) {
    case "collecting":
      return missing.length > 0 ? `Waiting for ${clean(missing.join(", "))}` : "Waiting for a publisher";
    case "publishing":
      return leaseUntil !== undefined && Date.parse(leaseUntil) < Date.now()
        ? "Publishing was interrupted; it continues with the next request"
        : "Publishing the index";
    case "published":
      return "Published";
    case "failed":
      return "Failed: waiting for another report";
    case "superseded":
      return "Superseded: a newer run or another writer has changed the tag";
    case "ended":
      return "Ended without being published";
  }
}

/** Shows one cell for each expected platform. Cells that did not change keep their elements, and so the focus. */
function showCells(cells: HTMLElement, run: Run, last: Run | undefined): void {
  run.expected.forEach((platform, i) => {
    const facts = (run: Run) => JSON.stringify([run.state, run.reports[platform], run.reporters[platform]]);
    const cell = cells.children[i];
    if (cell && last && facts(last) === facts(run)) return;
    const next = createCell(run, platform);
    if (cell) cell.replaceWith(next);
    else cells.append(next);
  });
}

function createCell({ state, reports, reporters }: Run, platform: string): HTMLElement {
  const image = reports[platform];
  const progress = image === undefined ? "missing" : state === "published" ? "published" : "reported";
  const { by, at } = reporters[platform] ?? {};
  const digest = image?.split("@")[1];
  const details: Child = image !== undefined && [
    digest !== undefined && copyable(digest, `digest of ${clean(platform)}`, shortDigest(digest)),
    by !== undefined && element("p", { class: "muted" }, "by ", data(by), at !== undefined && [", ", age(at)]),
    link({ image }, "Show the image"),
  ];
  return element(
    "li",
    { class: `cell ${progress}`, "data-state": progress },
    element("h3", {}, data(platform)),
    element("p", { class: "progress" }, progress),
    details,
  );
}

function age(time: string): HTMLElement {
  return element("time", { datetime: time, title: new Date(time).toLocaleString(), class: "age" }, formatAge(time));
}

function showAges(view: HTMLElement): void {
  for (const time of view.querySelectorAll<HTMLTimeElement>("time.age")) time.textContent = formatAge(time.dateTime);
}

/** Formats the time since a moment, as in `5 min ago`. */
function formatAge(time: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}
