/** From a basket to one order: asks for its price, sends it, and finds out what became of it. */
import { computed, ref, shallowRef } from 'vue'

import { answer, api, newKey, type Schemas } from '@/shared/api/client'
import { asProblem, Problem } from '@/shared/api/problems'
import { openSession, session } from '@/shared/api/session'

import { keep, keyOf, type Basket, type CheckoutBody } from './baskets'

const TRIES = 3
const PAUSE_MS = 1_200

export function useCheckout(basket: Basket) {
  const quote = shallowRef<Schemas['order.QuoteOut'] | null>(null)
  const before = ref<number | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const busy = ref(false)
  /** Whether an attempt is on its way of which nobody knows the end. What it said stays as it is until that is known. */
  const pending = ref(Boolean(basket.attempt))

  async function price(): Promise<void> {
    problem.value = null
    try {
      quote.value = await answer(
        api.POST('/v1/quotes', {
          body: { lines: basket.lines, channel: 'web' },
          headers: { 'Idempotency-Key': newKey() },
        }),
      )
    } catch (error) {
      problem.value = asProblem(error)
    }
  }

  /** The order's id, or `null` where it came to nothing; `problem` says why. */
  async function submit(contact: { phone?: string; email?: string }): Promise<string | null> {
    if (busy.value || !quote.value) return null
    busy.value = true
    problem.value = null
    basket.attempt ??= bodyWith(contact, quote.value.total_minor)
    keep(basket)
    pending.value = true
    try {
      const order = await place(basket.attempt)
      basket.orderId = order.order_id
      return order.order_id
    } catch (error) {
      await refused(asProblem(error))
      return null
    } finally {
      keep(basket)
      busy.value = false
    }
  }

  function bodyWith(contact: { phone?: string; email?: string }, totalMinor: number): CheckoutBody {
    const body: CheckoutBody = { lines: basket.lines, channel: 'web', expected_total_minor: totalMinor }
    return session.signedIn ? body : { ...body, contact }
  }

  async function place(body: CheckoutBody): Promise<{ order_id: string }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const order = await answer(api.POST('/v1/orders', { body, headers: { 'Idempotency-Key': keyOf(basket) } }))
        if (!session.signedIn) await openSession({ again: true })
        return order
      } catch (error) {
        if (!asProblem(error).isUnknown || attempt === TRIES) throw error
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
    }
  }

  /** A refusal changed nothing: the next attempt is another one. Where nobody knows, the same attempt is made again. */
  async function refused(why: Problem): Promise<void> {
    problem.value = why
    if (why.isUnknown || why.isSignedOut) return
    delete basket.attempt
    basket.revision += 1
    pending.value = false
    if (why.code === 'price.changed') {
      before.value = quote.value?.total_minor ?? null
      const said = problem.value
      await price()
      problem.value ??= said
    }
  }

  return {
    quote,
    before,
    problem,
    busy,
    pending,
    price,
    submit,
    currency: computed(() => quote.value?.currency ?? 'CNY'),
  }
}
