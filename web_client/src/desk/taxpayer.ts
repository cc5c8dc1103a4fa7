import type { ContextView, ProfileView } from '@/protocol/messages';

/** 企业 by its operator, or a 自然人: whoever acts for a company has one in the profile. */
export const kindOf = ({ company }: ProfileView): string => (company === null ? '自然人' : '企业');

/** 自然人 · 广东 */
export const kindAndRegion = (profile: ProfileView): string => [kindOf(profile), profile.region].filter((part) => part).join(' · ');

/** Which page and which business the taxpayer came from. */
export const placeOf = ({ page, business }: ContextView): string => [page, business].filter((part) => part).join('-');
