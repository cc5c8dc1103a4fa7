import '@/styles/element';
import { createApp } from 'vue';
import MeetingPage from './MeetingPage.vue';
import './meeting.css';

createApp(MeetingPage).mount('#meeting');
