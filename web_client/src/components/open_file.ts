/** A file in another tab, by a link just asked for; pictures are shown there, everything else is saved. */
import { fileLink } from '@/composables/use_links';
import type { SessionContext } from '@/composables/use_session';
import type { FileView } from '@/protocol/messages';

export function openFile(session: SessionContext, file: Pick<FileView, 'file_id' | 'media_type'>): void {
  void session.run('file.open', async () => {
    const link = await fileLink(session.client.records, file.file_id);
    const anchor = document.createElement('a');
    anchor.href = file.media_type.startsWith('image/') ? link : `${link}&download=1`;
    anchor.target = '_blank';
    anchor.rel = 'noopener';
    anchor.click();
  });
}
