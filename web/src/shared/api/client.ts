/** Typed calls: paths, bodies and answers are those of the gateway's OpenAPI. */
import createClient, { type FetchResponse } from 'openapi-fetch'
import type { MediaType } from 'openapi-typescript-helpers'

import type { components, paths } from './buyer'
import { asProblem, problemOf } from './problems'
import { send } from './session'

export type Schemas = components['schemas']

export const api = createClient<paths>({ fetch: send })

/**
 * The answer of a call.
 *
 * @throws {Problem} it was refused, or nobody knows.
 */
export async function answer<T extends Record<string | number, unknown>, O, M extends MediaType>(
  call: Promise<FetchResponse<T, O, M>>,
): Promise<NonNullable<FetchResponse<T, O, M>['data']>> {
  const { data, error, response } = await call.catch((failure: unknown) => {
    throw asProblem(failure)
  })
  if (!response.ok) throw problemOf(response.status, error)
  return data as NonNullable<FetchResponse<T, O, M>['data']>
}

/** A fresh Idempotency-Key. */
export const newKey = (): string => crypto.randomUUID()

/** Headers of a call that is made as the guest of one order. */
export const asGuestOf = (orderId: string | null): Record<string, string> =>
  orderId ? { 'X-Guest-Order': orderId } : {}
