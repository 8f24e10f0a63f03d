import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'

import { openSession, session } from '@/shared/api/session'

import Home from './pages/Home.vue'

/** `member`: only for those who are signed in. `keyed`: another address is another page. `quiet`: no link to sign in. */
declare module 'vue-router' {
  interface RouteMeta {
    title?: string
    member?: boolean
    keyed?: boolean
    quiet?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: Home },
  {
    path: '/products/:id',
    name: 'product',
    component: () => import('./pages/Product.vue'),
    props: true,
    meta: { keyed: true },
  },
  {
    path: '/checkout/:basket',
    name: 'checkout',
    component: () => import('./pages/Checkout.vue'),
    props: true,
    meta: { title: 'checkout.title', keyed: true },
  },
  { path: '/orders', name: 'orders', component: () => import('./pages/Orders.vue'), meta: { title: 'order.list' } },
  { path: '/o', name: 'order-link', component: () => import('./pages/OrderLink.vue'), meta: { title: 'order.title' } },
  {
    path: '/orders/:id',
    name: 'order',
    component: () => import('./pages/Order.vue'),
    props: true,
    meta: { title: 'order.title', keyed: true },
  },
  {
    path: '/wallet',
    name: 'wallet',
    component: () => import('./pages/Wallet.vue'),
    meta: { title: 'wallet.title', member: true },
  },
  { path: '/me', name: 'me', component: () => import('./pages/Me.vue'), meta: { title: 'me.title', member: true } },
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('./pages/SignIn.vue'),
    props: { mode: 'signIn' },
    meta: { title: 'auth.signIn', quiet: true },
  },
  {
    path: '/register',
    name: 'register',
    component: () => import('./pages/SignIn.vue'),
    props: { mode: 'register' },
    meta: { title: 'auth.register', quiet: true },
  },
  {
    path: '/:rest(.*)*',
    name: 'not-found',
    component: () => import('./pages/NotFound.vue'),
    meta: { title: 'notFound.title' },
  },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
})

/** Where somebody wanted to go, for after signing in; only ever an address of ours. */
export function wayOn(next: unknown): string {
  return typeof next === 'string' && next.startsWith('/') && !next.startsWith('//') ? next : '/'
}

router.beforeEach(async (to) => {
  try {
    await openSession()
  } catch {
    return true // the page itself says what does not answer
  }
  if (to.meta.member && !session.signedIn) return { name: 'sign-in', query: { next: to.fullPath } }
  return true
})
