import '@/styles/element';
import { createApp } from 'vue';
import EditorPage from './EditorPage.vue';
import '@/admin/admin.css';
import './editor.css';

createApp(EditorPage).mount('#editor');
