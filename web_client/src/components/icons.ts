/** Icons that Element Plus lacks, in its manner: 1024 units, current colour. */
import { h, type FunctionalComponent } from 'vue';

const icon =
  (...paths: string[]): FunctionalComponent =>
  () =>
    h(
      'svg',
      { xmlns: 'http://www.w3.org/2000/svg', viewBox: '0 0 24 24', width: '1em', height: '1em', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.8', 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true' },
      paths.map((d) => h('path', { d })),
    );

export const MicIcon = icon('M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z', 'M5.5 11a6.5 6.5 0 0 0 13 0', 'M12 17.5V21', 'M8.5 21h7');
export const MicOffIcon = icon('M9 9v2a3 3 0 0 0 4.8 2.4', 'M15 10V6a3 3 0 0 0-5.7-1.3', 'M5.5 11a6.5 6.5 0 0 0 10.4 5.2', 'M18.5 11a6.6 6.6 0 0 1-.6 2.7', 'M12 17.5V21', 'M8.5 21h7', 'M4 4l16 16');
export const SpeakerIcon = icon('M4 9.500v5h3.500L12.500 19V5L7.500 9.500z', 'M15.500 9a4 4 0 0 1 0 6', 'M18 6.500a7.500 7.500 0 0 1 0 11');
export const CameraIcon = icon('M3.5 7.5a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2z', 'M14.5 10.5l6-3.5v10l-6-3.5');
export const CameraOffIcon = icon('M3.5 7.5v9a2 2 0 0 0 2 2h7a2 2 0 0 0 1.7-1', 'M8.5 5.5h4a2 2 0 0 1 2 2v4', 'M14.5 10.5l6-3.5v10l-3.2-1.9', 'M4 4l16 16');
export const HangUpIcon = icon('M3 14.6c-.7-1-.7-2.3.2-3.2C5.600 9.200 8.700 8 12 8s6.400 1.200 8.800 3.400c.9.9.9 2.200.2 3.200l-.9 1.300c-.4.5-1 .7-1.600.5l-2.700-1c-.5-.2-.9-.7-.9-1.300v-1.700a9.400 9.400 0 0 0-5.800 0v1.700c0 .6-.4 1.100-.9 1.300l-2.700 1c-.6.2-1.200 0-1.600-.5z');
export const PhoneIcon = icon('M6.200 3.500h2.300c.5 0 .9.300 1 .8l.8 3.400c.1.400 0 .8-.3 1L8.300 10.200a12 12 0 0 0 5.500 5.500l1.500-1.700c.2-.3.6-.4 1-.3l3.400.8c.5.1.8.5.8 1v2.300a2 2 0 0 1-2.200 2A16.300 16.300 0 0 1 4.200 5.700a2 2 0 0 1 2-2.200z');
export const ScreenIcon = icon('M3.500 5.500a1.500 1.500 0 0 1 1.500-1.500h14a1.500 1.500 0 0 1 1.500 1.500v9a1.500 1.500 0 0 1-1.500 1.500H5a1.500 1.500 0 0 1-1.500-1.500z', 'M9 20h6', 'M12 16v4', 'M12 13V7.500', 'M9.500 9.700 12 7.200l2.500 2.500');
export const PauseIcon = icon('M8.500 5.500v13', 'M15.500 5.500v13');
export const PlayIcon = icon('M8 5.200v13.600l10.500-6.800z');
export const RecordIcon = icon('M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z', 'M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z');
export const SwapIcon = icon('M4 8.500h14', 'M14.500 5 18 8.500 14.500 12', 'M20 15.500H6', 'M9.500 12 6 15.500 9.500 19');
export const AgentIcon = icon('M5 13v-1.500a7 7 0 0 1 14 0V13', 'M4 13.500a1 1 0 0 1 1-1h1.500v5H5a1 1 0 0 1-1-1z', 'M20 13.500a1 1 0 0 0-1-1h-1.500v5H19a1 1 0 0 0 1-1z', 'M18.500 17.500c0 1.700-1.500 2.700-3.500 2.700h-2');
export const PersonIcon = icon('M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M4.500 20.500c.6-3.700 3.700-5.500 7.500-5.500s6.900 1.800 7.500 5.500');
export const FontIcon = icon('M3.500 18 8 6l4.500 12', 'M5 14h6', 'M14 18l3-8 3 8', 'M15 15.500h4');
export const ClearIcon = icon('M5 7h14', 'M9.500 7V4.500h5V7', 'M7 7l.8 12.500h8.400L17 7', 'M10.500 10.500v5.500', 'M13.500 10.500v5.500');
export const MaximizeIcon = icon('M5 9V5h4', 'M15 5h4v4', 'M19 15v4h-4', 'M9 19H5v-4');
export const RestoreIcon = icon('M9 5v4H5', 'M19 9h-4V5', 'M15 19v-4h4', 'M5 15h4v4');
export const MinimizeIcon = icon('M5 12h14');
export const CloseIcon = icon('M6 6l12 12', 'M18 6 6 18');
export const ZoomInIcon = icon('M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13z', 'M15.300 15.300 20 20', 'M10.500 7.800v5.400', 'M7.800 10.500h5.400');
export const ZoomOutIcon = icon('M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13z', 'M15.300 15.300 20 20', 'M7.800 10.500h5.400');
export const SettingsIcon = icon('M4 7h9', 'M17 7h3', 'M15 5v4', 'M4 12h3', 'M11 12h9', 'M9 10v4', 'M4 17h9', 'M17 17h3', 'M15 15v4');
export const ShieldIcon = icon('M12 3.500 5 6v5.500c0 4.300 2.900 7.600 7 9 4.100-1.400 7-4.700 7-9V6z', 'M9 12l2.200 2.200L15.300 10');
export const BellIcon = icon('M6.500 16.500V11a5.500 5.500 0 0 1 11 0v5.500l1.500 1.500H5z', 'M10.500 20.500h3');
export const BellOffIcon = icon('M6.500 16.500V11c0-.8.200-1.600.5-2.300', 'M9 6.400A5.500 5.500 0 0 1 17.500 11v3', 'M5 18h12.500', 'M10.500 20.500h3', 'M4 4l16 16');
export const SendIcon = icon('M4 12 20 4.500 14.500 20l-3-6.500z', 'M11.500 13.500 20 4.500');
export const BackIcon = icon('M14.500 5.500 8 12l6.500 6.500');
export const FileIcon = icon('M6.500 3.500h7.500l4 4V20a.500.500 0 0 1-.500.500h-11A.500.500 0 0 1 6 20V4a.500.500 0 0 1 .500-.500z', 'M13.500 3.500V8H18', 'M9 12.500h6', 'M9 16h6');
export const PictureIcon = icon('M4 6a1.500 1.500 0 0 1 1.500-1.500h13A1.500 1.500 0 0 1 20 6v12a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 18z', 'M4.500 17 9.500 11.500l3.500 4 2.500-2.500 4 4.500', 'M15.500 9h.010');
export const CropIcon = icon('M7 3.500V17h13.500', 'M3.500 7H17v13.500');
export const PenIcon = icon('M4.500 19.500l1-4L16 5l3 3L8.500 18.500z', 'M14 7l3 3');
export const RectangleIcon = icon('M4.500 6h15v12h-15z');
export const ArrowIcon = icon('M5 19 19 5', 'M11 5h8v8');
export const UndoIcon = icon('M8.500 5 4.500 9l4 4', 'M4.500 9H15a5 5 0 0 1 0 10h-4');
export const EndIcon = icon('M10 4.500H5.500v15H10', 'M14.500 8 18.500 12l-4 4', 'M18.500 12H9.500');
export const ReplyIcon = icon('M4.500 5.500h15v10h-9L6.500 19v-3.500h-2z', 'M8 9h8', 'M8 12h5');
export const TransferIcon = icon('M8.500 12a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z', 'M3 19.500c0-3 2.500-5 5.500-5 1.500 0 2.800.500 3.800 1.300', 'M14 17.500h7', 'M18 14.500l3 3-3 3');
export const KeyboardIcon = icon('M3.5 7.500a1.500 1.500 0 0 1 1.500-1.500h14a1.500 1.500 0 0 1 1.500 1.500v9a1.500 1.500 0 0 1-1.500 1.500H5a1.500 1.500 0 0 1-1.500-1.500z', 'M7 10h.01', 'M10.300 10h.01', 'M13.700 10h.01', 'M17 10h.01', 'M8 14.200h8');
export const PeopleIcon = icon('M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z', 'M2.500 19.500c0-3.300 2.900-5.500 6.500-5.500s6.500 2.200 6.500 5.500', 'M15.500 4.600a3.300 3.300 0 0 1 0 6.100', 'M17.500 14.300c2.400.700 4 2.600 4 5.200');
export const ChatIcon = icon('M4.500 5.500h15v11h-9L6.500 20v-3.500h-2z', 'M8.500 11h.010', 'M12 11h.010', 'M15.500 11h.010');
export const NotesIcon = icon('M5.500 4h13v16h-13z', 'M8.500 8.500h7', 'M8.500 12h7', 'M8.500 15.500h4');
export const InfoIcon = icon('M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z', 'M12 11v5.500', 'M12 7.800h.010');
export const HandIcon = icon('M8 12V6.200a1.300 1.300 0 0 1 2.600 0V11', 'M10.600 11V4.800a1.300 1.300 0 0 1 2.600 0V11', 'M13.200 11V6a1.300 1.300 0 0 1 2.600 0v6', 'M15.800 12V8.500a1.300 1.300 0 0 1 2.600 0v5.500c0 4-2.400 6.500-5.800 6.500-2.600 0-4.300-1-5.600-3.300l-2-3.600c-.800-1.400 1-2.700 2-1.500L8 13.500');
export const GridIcon = icon('M4.500 5h6.500v6H4.500z', 'M13 5h6.500v6H13z', 'M4.500 13h6.500v6H4.500z', 'M13 13h6.500v6H13z');
export const SpeakerViewIcon = icon('M4.500 5h15v9.500h-15z', 'M4.500 17h3.500v2.500H4.500z', 'M10.200 17h3.600v2.500h-3.600z', 'M16 17h3.500v2.500H16z');
export const PinIcon = icon('M9 4h6', 'M10 4v5l-3 4h10l-3-4V4', 'M12 13v7');
export const LockIcon = icon('M6 11h12v9H6z', 'M8.500 11V8a3.500 3.500 0 0 1 7 0v3');
export const MessageIcon = icon('M4 6.500a1.500 1.500 0 0 1 1.500-1.500h13A1.500 1.500 0 0 1 20 6.500v9a1.500 1.500 0 0 1-1.500 1.500H10l-4 3.500V17h-.5A1.500 1.500 0 0 1 4 15.500z', 'M8 9.500h8', 'M8 12.700h5');
export const CalendarIcon = icon('M4 7a1.500 1.500 0 0 1 1.500-1.500h13A1.500 1.500 0 0 1 20 7v11.500a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 18.500z', 'M4 10h16', 'M8.500 3.500v4', 'M15.500 3.500v4', 'M9 15l2 2 4-4');
