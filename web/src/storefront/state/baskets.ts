/**
 * What is about to be bought. A basket outlives reloads of its tab, and becomes one order at most:
 * its key goes with every attempt, and a new one is taken only after a refusal that certainly changed nothing.
 */
import type { Schemas } from '@/shared/api/client'

export type Line = Schemas['order.LineIn']
export type CheckoutBody = Schemas['order.CheckoutIn']

export interface Basket {
  id: string
  productId: string
  lines: Line[]
  revision: number
  attempt?: CheckoutBody
  orderId?: string
}

const place = (id: string): string => `kq.basket.${id}`

export function makeBasket(productId: string, lines: Line[]): Basket {
  const basket: Basket = { id: crypto.randomUUID(), productId, lines, revision: 0 }
  keep(basket)
  return basket
}

export function findBasket(id: string): Basket | null {
  const kept = sessionStorage.getItem(place(id))
  return kept ? (JSON.parse(kept) as Basket) : null
}

export function keep(basket: Basket): void {
  sessionStorage.setItem(place(basket.id), JSON.stringify(basket))
}

/** The Idempotency-Key of the basket's present attempt. */
export const keyOf = (basket: Basket): string => `basket-${basket.id}-${basket.revision}`
