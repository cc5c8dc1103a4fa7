import '@/styles/element';
import '@/lists/lists.css';
import { createApp } from 'vue';
import CentrePage from './CentrePage.vue';

createApp(CentrePage).mount('#centre');
