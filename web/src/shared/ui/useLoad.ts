/** What a page loads: the answer, the problem in its place, and the way to ask again. Late answers of old questions are dropped. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import { asProblem, type Problem } from '../api/problems'

export interface Loaded<T> {
  data: ShallowRef<T | null>
  problem: ShallowRef<Problem | null>
  loading: Ref<boolean>
  reload: () => Promise<void>
}

export function useLoad<T>(load: () => Promise<T>): Loaded<T> {
  const data: ShallowRef<T | null> = shallowRef(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(true)
  let question = 0

  async function reload(): Promise<void> {
    const mine = ++question
    loading.value = true
    problem.value = null
    try {
      const found = await load()
      if (mine === question) data.value = found
    } catch (error) {
      if (mine === question) problem.value = asProblem(error)
    } finally {
      if (mine === question) loading.value = false
    }
  }

  onScopeDispose(() => {
    question = -1
  })
  void reload()
  return { data, problem, loading, reload }
}
