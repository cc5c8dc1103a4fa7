import type { ServiceHttp } from '@/rest/http';

/** A file the server makes, saved under the name it gives. Rejects with `RequestError`. */
export async function saveFile(http: ServiceHttp, path: string): Promise<void> {
  const { url, name } = await http.download(path);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
