/** The components of Vant that pages use, one by one, so that nothing else is loaded. */
import 'vant/es/button/style/index'
import 'vant/es/dialog/style/index'
import 'vant/es/field/style/index'
import 'vant/es/popup/style/index'
import 'vant/es/toast/style/index'

export { Button, Field, Popup, showConfirmDialog, showToast } from 'vant'
