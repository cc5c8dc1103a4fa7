/** Styles of the Element Plus components in use, and no others. */
import 'element-plus/theme-chalk/base.css';
import 'element-plus/theme-chalk/el-button.css';
import 'element-plus/theme-chalk/el-badge.css';
import 'element-plus/theme-chalk/el-tag.css';
import 'element-plus/theme-chalk/el-avatar.css';
import 'element-plus/theme-chalk/el-empty.css';
import 'element-plus/theme-chalk/el-segmented.css';
import 'element-plus/theme-chalk/el-skeleton.css';
import 'element-plus/theme-chalk/el-skeleton-item.css';
import 'element-plus/theme-chalk/el-progress.css';
import 'element-plus/theme-chalk/el-switch.css';
import './tokens.css';
import './base.css';
