import '@/styles/element';
import '@/lists/lists.css';
import { createApp } from 'vue';
import CaseworkPage from './CaseworkPage.vue';

createApp(CaseworkPage).mount('#casework');
