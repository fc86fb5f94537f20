/** The view of an index over `./remote`, for pages without a server of their own: the browser asks the registry. */
import { formatInspection } from "../src/actions/room.ts";
import { inspectIndex, validateIndex } from "../src/system/remote/room.ts";
import type { SystemContext } from "../src/image/room.ts";
import { createIndexView } from "./index_view.ts";

/** Shows an index in an element of the page. The registry must allow requests of other origins (CORS). */
export async function show(parent: HTMLElement, image: string, systemContext: SystemContext = {}): Promise<void> {
  const { view, showValidation } = createIndexView(formatInspection(await inspectIndex(image, { systemContext })));
  parent.replaceChildren(view);
  await validateIndex(image, { systemContext }).then(showValidation, showValidation);
}
