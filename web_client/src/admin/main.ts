import '@/styles/element';
import 'element-plus/theme-chalk/el-input.css';
import 'element-plus/theme-chalk/el-input-number.css';
import 'element-plus/theme-chalk/el-checkbox.css';
import { createApp } from 'vue';
import AdminPage from './AdminPage.vue';
import './admin.css';

createApp(AdminPage).mount('#admin');
