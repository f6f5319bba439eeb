import assert from 'node:assert/strict';
import { afterFailedAttempt } from '../../../domain/traces/retry.ts';

describe('afterFailedAttempt', () => {
  it('C005: gives a node with one retry two attempts, and then ends it as a retryable error', () => {
    assert.equal(afterFailedAttempt({ attempt: 1, maxRetries: 1, retryable: true }), 'retry');
    assert.equal(afterFailedAttempt({ attempt: 2, maxRetries: 1, retryable: true }), 'retryable_error');
  });

  it('C005: ends a node at once when its error would only repeat itself', () => {
    assert.equal(afterFailedAttempt({ attempt: 1, maxRetries: 3, retryable: false }), 'fatal_error');
  });

  it('gives a node without retries one attempt', () => {
    assert.equal(afterFailedAttempt({ attempt: 1, maxRetries: 0, retryable: true }), 'retryable_error');
  });
});
