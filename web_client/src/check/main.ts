import '@/styles/element';
import { createApp } from 'vue';
import CheckPage from './CheckPage.vue';
import './check.css';

createApp(CheckPage).mount('#check');
