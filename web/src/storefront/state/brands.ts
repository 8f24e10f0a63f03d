/** Whose goods they are: names of partners, asked for once each and shown on every page that names them. */
import { defineStore } from 'pinia'
import { reactive } from 'vue'

import { answer, api } from '@/shared/api/client'

export const useBrands = defineStore('brands', () => {
  const names = reactive(new Map<string, string>())

  const nameOf = (partnerId: string | null | undefined): string | undefined =>
    partnerId ? names.get(partnerId) : undefined

  /** Names are a courtesy: without them a page is still whole. */
  async function learn(partnerIds: Iterable<string | null | undefined>): Promise<void> {
    const wanted = [...new Set(partnerIds)].filter((id): id is string => Boolean(id) && !names.has(String(id)))
    if (wanted.length === 0) return
    try {
      const { items } = await answer(api.GET('/v1/brands', { params: { query: { partner_id: wanted } } }))
      for (const brand of items) names.set(brand.partner_id, brand.name)
    } catch {
      return
    }
  }

  return { nameOf, learn }
})
