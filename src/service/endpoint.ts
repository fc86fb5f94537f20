import type { RequestLog } from "./events.ts";
import type { Reach } from "./permissions.ts";
import { type FieldKind, type Fields, readFields, type Values } from "./request_fields.ts";

/** Authenticated request, as an endpoint gets it. */
export interface Call {
  /** Images that the caller may name. */
  readonly reach: Reach;
  /** Name of the caller, as its authenticator has it. */
  readonly caller: string;
  /** Log of the request, in which the endpoint notes its target and the steps of runs. */
  readonly log: RequestLog;
  /** Aborts the call with its reason. */
  readonly signal: AbortSignal;
}

/** One method of a path. The same table checks the requests and describes them in the OpenAPI document. */
export interface Endpoint {
  /** One sentence that describes its effect. */
  readonly summary: string;
  /** Values that its requests may have, by name. */
  readonly fields: Fields;
  /** Name of the schema of its answer in `openapi.ts`. */
  readonly answer: "Push" | "Composition" | "Inspection" | "Validation" | "Run" | "RunOrList";
  /** Checks the values of a request, handles it and returns the value that is answered as JSON. */
  handle(values: unknown, kind: FieldKind, call: Call): Promise<unknown>;
}

/** Creates an endpoint from its table and the function that gets the checked values. */
export function createEndpoint<F extends Fields>(
  { run, ...table }: Pick<Endpoint, "summary" | "answer"> & {
    readonly fields: F;
    readonly run: (values: Values<F>, call: Call) => Promise<unknown>;
  },
): Endpoint {
  return { ...table, handle: (values, kind, call) => run(readFields(values, table.fields, kind), call) };
}
