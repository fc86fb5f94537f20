/** Failed step that will be retried. */
export interface RetryEvent {
  /** Step to retry, as in `GET https://quay.io/v2/`; URLs are without query and user information. */
  readonly step: string;
  /** Number of failed attempts, from 1. */
  readonly attempt: number;
  /** Maximum number of retries of the step. */
  readonly maxRetries: number;
  /** Wait before the next attempt, in milliseconds. */
  readonly delay: number;
  /** Error with which the last attempt failed. */
  readonly error: unknown;
}
