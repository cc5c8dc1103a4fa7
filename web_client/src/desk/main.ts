import '@/styles/element';
import { createApp } from 'vue';
import DeskPage from './DeskPage.vue';
import './desk.css';

createApp(DeskPage).mount('#desk');
