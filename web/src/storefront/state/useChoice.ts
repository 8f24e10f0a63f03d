/** What a buyer has chosen of a product: which SKU, how many, the options of its groups, and what the goods need to know. */
import { computed, reactive, ref, watch, type Ref } from 'vue'

import type { Schemas } from '@/shared/api/client'

import type { Line } from './baskets'

export type Sku = Schemas['inventory.SkuOut']
type BuyerField = Schemas['inventory.BuyerField']

type Address = Schemas['order.AddressIn']

const NEEDED = ['recipient', 'phone', 'province', 'city', 'detail'] as const
const isWhole = (address: Address): boolean => NEEDED.every((part) => address[part].trim())

const PATTERNS: Record<string, RegExp> = {
  digits: /^\d+$/,
  alphanumeric: /^[A-Za-z0-9]+$/,
  email: /^[^@\s]+@[^@\s]+\.[^@\s]+$/,
  cn_mobile: /^1[3-9]\d{9}$/,
  qq: /^[1-9]\d{4,11}$/,
}

export function useChoice(skus: Ref<readonly Sku[]>) {
  const skuId = ref('')
  const quantity = ref(1)
  const chosen = reactive(new Map<string, string[]>())
  const told = reactive<Record<string, string>>({})
  const address = ref<Address>({ recipient: '', phone: '', province: '', city: '', district: '', detail: '' })
  const substitutes = ref(true)

  const sku = computed(() => skus.value.find((one) => one.sku_id === skuId.value) ?? skus.value[0])
  const groups = computed(() => sku.value?.choices ?? [])
  const fields = computed<BuyerField[]>(() => {
    const options = groups.value.flatMap((group) =>
      group.options.filter((option) => chosen.get(group.name)?.includes(option.sku_id)),
    )
    const all = [...(sku.value?.buyer_fields ?? []), ...options.flatMap((option) => option.buyer_fields ?? [])]
    return [...new Map(all.map((field) => [field.name, field])).values()]
  })
  const most = computed(() => (sku.value ? Math.min(sku.value.max_per_order, sku.value.stock) : 0))
  const unitMinor = computed(() => {
    if (!sku.value) return 0
    const step = [...(sku.value.ladder ?? [])].reverse().find((one) => quantity.value >= one.quantity_from)
    return (step?.unit_minor ?? sku.value.price_minor) + extras()
  })

  function extras(): number {
    return groups.value
      .flatMap((group) => group.options.filter((option) => chosen.get(group.name)?.includes(option.sku_id)))
      .reduce((sum, option) => sum + (option.extra_minor ?? 0), 0)
  }

  watch(
    sku,
    (one) => {
      if (!one) return
      skuId.value = one.sku_id
      quantity.value = one.min_per_order ?? 1
      chosen.clear()
      for (const group of one.choices ?? []) {
        chosen.set(
          group.name,
          group.options
            .filter((option) => option.stock > 0)
            .slice(0, group.pick)
            .map((option) => option.sku_id),
        )
      }
    },
    { immediate: true },
  )

  /** Take an option; where the group is full, the one taken first makes room. */
  function choose(group: Schemas['inventory.ChoiceGroupOut'], optionId: string): void {
    const now = chosen.get(group.name) ?? []
    if (now.includes(optionId)) {
      if (group.pick > 1)
        chosen.set(
          group.name,
          now.filter((one) => one !== optionId),
        )
      return
    }
    chosen.set(group.name, [...now, optionId].slice(-group.pick))
  }

  /** Why it cannot be bought like that, by the place that is wrong. */
  function wrong(): Map<string, 'needed' | 'format' | 'choice'> {
    const found = new Map<string, 'needed' | 'format' | 'choice'>()
    for (const group of groups.value) {
      if (chosen.get(group.name)?.length !== group.pick) found.set(group.name, 'choice')
    }
    for (const field of fields.value) {
      if (field.kind === 'address') {
        if (!isWhole(address.value)) found.set(field.name, 'needed')
        continue
      }
      const text = (told[field.name] ?? '').trim()
      const pattern = PATTERNS[field.pattern ?? 'any']
      if (!text && field.required !== false) found.set(field.name, 'needed')
      else if (text && pattern && !pattern.test(text)) found.set(field.name, 'format')
    }
    return found
  }

  const line = (): Line => ({
    sku_id: skuId.value,
    quantity: quantity.value,
    choices: [...chosen.values()].flat(),
    ...(!substitutes.value && { accept_substitutes: false }),
    ...(fields.value.length > 0 && {
      buyer_fields: Object.fromEntries(
        fields.value
          .map(
            (field) =>
              [field.name, field.kind === 'address' ? address.value : (told[field.name] ?? '').trim()] as const,
          )
          .filter(([, value]) => value),
      ),
    }),
  })

  return {
    skuId,
    sku,
    quantity,
    chosen,
    told,
    address,
    substitutes,
    groups,
    fields,
    most,
    unitMinor,
    choose,
    wrong,
    line,
  }
}
