/** Whose goods they are: names of partners, asked for once each. */
import { reactive } from 'vue'

import { answer, api } from '@/shared/api/client'

const names = reactive(new Map<string, string>())

export const brandName = (partnerId: string | null | undefined): string | undefined =>
  partnerId ? names.get(partnerId) : undefined

/** Names are a courtesy: without them the page is still whole. */
export async function learnBrands(partnerIds: Iterable<string | null | undefined>): Promise<void> {
  const wanted = [...new Set(partnerIds)].filter((id): id is string => Boolean(id) && !names.has(String(id)))
  if (wanted.length === 0) return
  try {
    const { items } = await answer(api.GET('/v1/brands', { params: { query: { partner_id: wanted } } }))
    for (const brand of items) names.set(brand.partner_id, brand.name)
  } catch {
    return
  }
}
