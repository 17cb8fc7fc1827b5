/** Public entry: the admin API of a node. */
export { createAdminServer, type AdminServer } from './admin-server.ts';
export { checkRequest, newEventSchema } from './request-checks.ts';
