import '@/shared/ui/theme.css'

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import { serve } from '@/shared/api/session'
import { makeTexts } from '@/shared/i18n'

import App from './App.vue'
import { router } from './router'
import { zh } from './texts/zh'

serve('buyer')
const { i18n, speak, ready } = makeTexts(zh, async () => (await import('./texts/en')).en)

void ready.then(() => createApp(App, { speak }).use(createPinia()).use(i18n).use(router).mount('#app'))
