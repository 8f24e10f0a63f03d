/** An order as it changes: by server-sent events, and by asking now and then where they do not come. */
import { onScopeDispose, ref, shallowRef } from 'vue'

import { answer, api, type Schemas } from '@/shared/api/client'
import { asProblem, type Problem } from '@/shared/api/problems'

export type Order = Schemas['order.OrderOut']

const OVER = new Set(['completed', 'refunded', 'cancelled'])
const ASK_EVERY_MS = 3_000
const STREAM_AGAIN_AFTER_MS = 20_000

export function useOrder(orderId: string) {
  const order = shallowRef<Order | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(true)
  let stream: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let streamFrom = 0

  async function look(): Promise<void> {
    try {
      take(await answer(api.GET('/v1/orders/{order_id}', { params: { path: { order_id: orderId } } })))
      problem.value = null
    } catch (error) {
      // What is on the page stays there: a moment without network is no reason to take it away.
      if (!order.value) problem.value = asProblem(error)
    } finally {
      loading.value = false
    }
  }

  async function follow(): Promise<void> {
    stop()
    await look()
    if (!order.value || OVER.has(order.value.status)) return
    if (performance.now() >= streamFrom) listen()
    else timer = setTimeout(() => void follow(), ASK_EVERY_MS)
  }

  function listen(): void {
    stream = new EventSource(`/v1/orders/${orderId}/stream`)
    stream.addEventListener('order', (event) => {
      take(JSON.parse(String(event.data)) as Order)
      if (order.value && OVER.has(order.value.status)) stop()
    })
    stream.addEventListener('error', () => {
      stop()
      streamFrom = performance.now() + STREAM_AGAIN_AFTER_MS
      timer = setTimeout(() => void follow(), ASK_EVERY_MS)
    })
  }

  function take(news: Order): void {
    if (!order.value || news.version >= order.value.version) order.value = news
  }

  function stop(): void {
    stream?.close()
    stream = null
    clearTimeout(timer)
  }

  onScopeDispose(stop)
  void follow()
  return { order, problem, loading, reload: follow }
}
