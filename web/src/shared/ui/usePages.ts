/** A list that goes on: the items so far, and whether there is more. */
import { computed, ref, shallowRef } from 'vue'

import { asProblem, type Problem } from '../api/problems'

interface Page<T> {
  items: T[]
  next_cursor?: string | null
}

export function usePages<T>(load: (cursor: string | undefined) => Promise<Page<T>>) {
  const items = shallowRef<T[]>([])
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(false)
  const cursor = ref<string | null>()
  let question = 0

  async function ask(from: string | undefined): Promise<void> {
    const mine = ++question
    loading.value = true
    problem.value = null
    try {
      const page = await load(from)
      if (mine !== question) return
      items.value = from ? [...items.value, ...page.items] : page.items
      cursor.value = page.next_cursor ?? null
    } catch (error) {
      if (mine === question) problem.value = asProblem(error)
    } finally {
      if (mine === question) loading.value = false
    }
  }

  const restart = () => {
    items.value = []
    cursor.value = undefined
    return ask(undefined)
  }
  const more = () => (cursor.value && !loading.value ? ask(cursor.value) : Promise.resolve())
  void restart()
  return {
    items,
    problem,
    loading,
    restart,
    more,
    hasMore: computed(() => Boolean(cursor.value)),
    isEmpty: computed(() => cursor.value === null && items.value.length === 0),
  }
}
