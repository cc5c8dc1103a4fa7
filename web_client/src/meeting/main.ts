import '@/styles/element';
import 'element-plus/theme-chalk/el-input.css';
import 'element-plus/theme-chalk/el-radio-button.css';
import 'element-plus/theme-chalk/el-radio-group.css';
import { createApp } from 'vue';
import MeetingPage from './MeetingPage.vue';
import './meeting.css';

createApp(MeetingPage).mount('#meeting');
