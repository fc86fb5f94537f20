import type { AnsweredError } from "./handler_error.ts";

/** Members that all events have. Events contain no secrets: no token and no query string. */
export interface EventBase {
  /** Time of the event, in milliseconds since 1970. */
  readonly time: number;
  /** Id of the request, which its answer has as `x-request-id`. */
  readonly requestId: string;
  /** Name of the caller, as its authenticator has it; `undefined` if it is not authenticated. */
  readonly caller?: string | undefined;
  /** Names of the rules by which the request was allowed to name its images; see `Grant.name`. */
  readonly rules: readonly string[];
  /** Tag that the request is about, such as `quay.io/me/app:1`; `undefined` before it is read and allowed. */
  readonly target?: string | undefined;
  /** Name of the run that the request is about; `undefined` if it is about none. */
  readonly run?: string | undefined;
  /** `ok`; `refused`: the caller can correct the cause; `failed`: the registry, the database or the service failed. */
  readonly result: "ok" | "refused" | "failed";
  /** Error code; `undefined` if the result is `ok`. */
  readonly code?: AnsweredError["code"] | undefined;
  /** Time since the request arrived (`request`), or since the publisher began (`run`), in milliseconds. */
  readonly duration: number;
}

/** Event of a request that was answered. */
export interface RequestEvent extends EventBase {
  /** Kind of the event: an answered request. */
  readonly type: "request";
  /** HTTP method of the request, such as `POST`. */
  readonly method: string;
  /** Path, without query and shortened to 100 characters. */
  readonly path: string;
  /** Endpoint, such as `fan-in`; `undefined` if the path has none. */
  readonly endpoint?: string | undefined;
  /** HTTP status of the answer. */
  readonly status: number;
}

/**
 * Step of a run. `begin`: its first report; `report`: the report of a platform; `lease`: a request became its publisher;
 * `plan`: the digest of the index was recorded; `conflict`: another writer changed a tag, so the publisher starts again;
 * `publish`: all tags are written, or they are not; `end`: a request ended the run.
 */
export type RunStep = "begin" | "report" | "lease" | "plan" | "conflict" | "publish" | "end";

/** A step of a run was made, or refused. */
export interface RunEvent extends EventBase {
  /** Kind of the event: a step of a run. */
  readonly type: "run";
  /** Step of the run that was made or refused. */
  readonly step: RunStep;
  /** Tag that the run publishes. */
  readonly target: string;
  /** Name of the run that the step belongs to. */
  readonly run: string;
  /** Reported platforms of a `report`; `undefined` for other steps. */
  readonly platforms?: readonly string[] | undefined;
  /** Reported image of a `report`; `undefined` for other steps. */
  readonly image?: string | undefined;
  /** Digest of the index, of a `plan` or `publish`; `undefined` for other steps. */
  readonly digest?: string | undefined;
}

/** Event for {@linkcode HandlerOptions.onEvent}. */
export type HandlerEvent = RequestEvent | RunEvent;

/** Description of a step, for {@linkcode RequestLog.addStep}. */
export type StepDetails =
  & Pick<RunEvent, "target" | "run">
  & Partial<Pick<RunEvent, "platforms" | "image" | "digest" | "result" | "code">>;

/** Collects what is known about a request, and emits its events. */
export class RequestLog {
  /** Random id of the request. */
  readonly requestId: string = crypto.randomUUID();
  /** Names of the rules that allowed something so far. */
  readonly rules = new Set<string>();
  /** Name of the caller, once it is authenticated. */
  caller: string | undefined;
  /** Endpoint, once it is known. */
  endpoint: string | undefined;
  /** Tag that the request is about, once it is allowed. */
  target: string | undefined;
  /** Run that the request is about. */
  run: string | undefined;
  readonly #now: () => number;
  readonly #emit: (event: HandlerEvent) => void;
  #since: number;

  /** Begins the log of a request. `emit` must not throw. */
  constructor(now: () => number, emit: (event: HandlerEvent) => void) {
    this.#now = now;
    this.#emit = emit;
    this.#since = now();
  }

  /** Emits the event of the answer. */
  addAnswer({ method, url }: Request, { status, code }: { status: number; code?: AnsweredError["code"] }): void {
    const result = status >= 500 ? "failed" : status >= 400 ? "refused" : "ok";
    const path = new URL(url).pathname.slice(0, 100);
    const { endpoint, target, run } = this;
    this.#add({ type: "request", method, path, endpoint, target, run, status, result, code, duration: this.#age() });
  }

  /** Emits a step of a run. Default of `result`: `ok`. `since` is when its work began; default: with the request. */
  addStep(step: RunStep, { result = "ok", ...details }: StepDetails, since?: number): void {
    this.#add({ type: "run", step, ...details, result, duration: this.#age(since) });
  }

  #age(since = this.#since): number {
    return this.#now() - since;
  }

  #add(event: DistributiveOmit<HandlerEvent, "time" | "requestId" | "caller" | "rules">): void {
    const { requestId, caller, rules } = this;
    const all = { time: this.#now(), requestId, caller, rules: [...rules], ...event };
    // Absent members are left out, so that a log line has only what is known.
    this.#emit(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
