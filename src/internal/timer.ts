import { onAbort } from "./on_abort.ts";

/** A timer that is running. */
interface Timer {
  /** When it ends, in milliseconds of {@linkcode now}. */
  readonly end: number;
  readonly callback: () => void;
}

/** A signal that aborts when the first timer ends, or earlier. */
interface Alarm {
  readonly end: number;
  readonly signal: AbortSignal;
  /** Ignores the signal; `undefined` while it is ignored, because no timer is running. */
  ignore: (() => void) | undefined;
}

/** Longest time of one alarm, in milliseconds: Node.js takes a longer time for 1 ms, or rejects it. */
const MAX_ALARM = 2 ** 31 - 1;

/** Tests may replace `performance.now`: all timers must have the same clock. */
const now = performance.now.bind(performance);
const timers = new Set<Timer>();
let alarm: Alarm | undefined;

/**
 * Calls back after a time, which may be `Infinity`, unless the returned function is called before. For limits that are
 * rarely reached, as of each request: all timers share one of the runtime, and Deno loads its timers, 6 ms, only for
 * `setTimeout`.
 */
export function startTimer(milliseconds: number, callback: () => void): () => void {
  const timer = { end: now() + milliseconds, callback };
  timers.add(timer);
  if (!alarm || alarm.signal.aborted || timer.end < alarm.end) setAlarm(timer.end);
  else alarm.ignore ??= onAbort(alarm.signal, ring);
  return () => {
    if (!timers.delete(timer) || timers.size > 0) return;
    // A signal with a listener keeps the process running.
    alarm?.ignore?.();
    if (alarm) alarm.ignore = undefined;
  };
}

function setAlarm(end: number): void {
  alarm?.ignore?.();
  const start = now();
  const milliseconds = Math.min(Math.max(Math.ceil(end - start), 0), MAX_ALARM);
  const signal = AbortSignal.timeout(milliseconds);
  alarm = { end: Math.min(end, start + MAX_ALARM), signal, ignore: onAbort(signal, ring) };
}

/** Ends the timers whose time is over, and sets the alarm for the others. */
function ring(): void {
  alarm = undefined;
  const time = now();
  const over = [...timers].filter(({ end }) => end <= time);
  for (const timer of over) timers.delete(timer);
  if (timers.size > 0) setAlarm(Math.min(...Array.from(timers, ({ end }) => end)));
  for (const { callback } of over) callback();
}
