import { onBeforeUnmount, onMounted } from 'vue';

/** Looks once the component is there, and again whenever a device is plugged in or taken away. */
export function whenDevicesChange(look: () => void): void {
  onMounted(() => {
    look();
    navigator.mediaDevices?.addEventListener('devicechange', look);
  });
  onBeforeUnmount(() => navigator.mediaDevices?.removeEventListener('devicechange', look));
}
