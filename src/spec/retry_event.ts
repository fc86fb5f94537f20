/** A step that failed and will be tried again. */
export interface RetryEvent {
  /** What is tried again, as in `GET https://quay.io/v2/`; without queries and user information. */
  readonly step: string;
  /** Number of failed attempts, from 1. */
  readonly attempt: number;
  /** Maximum number of retries. */
  readonly maxRetries: number;
  /** Wait before the next attempt, in milliseconds. */
  readonly delay: number;
  /** Why the last attempt failed. */
  readonly error: unknown;
}
