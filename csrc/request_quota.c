/* What a response says of the server's limit. See request_private.h. */
#include <string.h>

#include "platform/platform.h"
#include "request_private.h"

/* Reads what the response said of the server's limit when its headers came; false: nothing. */
static bool read_quota(const session *s, const transfer *x, retry_quota *out) {
  const transfer_quota *q = &x->quota;
  double now = session_server_time(s), date;
  if (retry_http_date(x->date, strlen(x->date), now, &date)) now = date;
  return retry_quota_list(q->list, q->policy, out) || retry_quota_fields(q->limit, q->remaining, q->reset, now, out) ||
         retry_quota_fields(q->x_limit, q->x_remaining, q->x_reset, now, out);
}

void request_learn_quota(request *r) {
  session *s = r->session;
  const transfer *x = r->attempt.transfer;
  retry_quota quota;
  double now = platform_now(), since = x->answered > 0 ? now - x->answered : 0;
  const retry_quota *said = read_quota(s, x, &quota) ? &quota : NULL;
  if (said && quota.reset > 0) { /* its body may have come slowly */
    quota.reset -= since;
    if (quota.reset <= 0) said = NULL;
  }
  if (gate_note_quota(&s->gate, x->http_status, x->started, now, said, s->lists[SESSION_ACTIVE].count - 1) &&
      x->http_status != 429)
    request_emit_quota(r, gate_quota_delay(&s->gate, now));
}
