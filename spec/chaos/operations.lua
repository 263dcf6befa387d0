--- Performs the operations of a round, in whatever coroutine it is called, and notes what each
--- was told. `scene` has the present `epoch`, `jobs` (what spec.chaos.truth knows) and `time()`.
local truth = require "spec.chaos.truth"

local operations = {}

local perform = {}

local function look(scene, op, record, fields)
   scene.looked = scene.looked + 1
   op.wrong = op.wrong or truth.record(scene.jobs, record, op.first_epoch, scene.epoch, fields)
end

function perform.get(scene, client, op)
   op.ok, op.err = client:get_status(op.id)
   if op.ok then look(scene, op, op.ok) end
end

local function note_deletion(op, ok, second)
   op.ok = ok
   if ok then op.second = second else op.err = second end
end

function perform.delete(_, client, op) note_deletion(op, client:delete_status(op.id)) end

function perform.delete_all(_, client, op) note_deletion(op, client:delete_all_statuses()) end

local function add_page(scene, op, page)
   for _, record in ipairs(page.data) do
      op.ids[#op.ids + 1] = record.process_id
      look(scene, op, record)
   end
   op.complete = not page.pagination.has_next_page
   return page.pagination.next_cursor
end

function perform.page(scene, client, op)
   local cursor
   for _ = 1, op.pages do
      local page, err = client:get_page { limit = op.limit, cursor = cursor }
      if not page then
         op.err = err
         return
      end
      cursor = add_page(scene, op, page)
      if op.complete then return end
   end
end

local function copy(options)
   local out = {}
   for name, value in pairs(options) do out[name] = value end
   return out
end

-- Goes on with another cursor from the token of the first one.
local function resume(scene, client, op, cursor)
   local options = copy(op.options)
   options.resume, options.limit, options.paginated = cursor:token(), nil, nil
   cursor:close()
   op.resumed = true
   for record in client:statuses(options) do
      op.ids[#op.ids + 1] = record.process_id
      look(scene, op, record, options.fields)
   end
   op.complete = true
end

local function read_pages(scene, op, cursor)
   for page in cursor:pages() do
      for _, record in ipairs(page) do
         op.ids[#op.ids + 1] = record.process_id
         look(scene, op, record, op.options.fields)
      end
   end
   op.complete = true
end

function perform.list(scene, client, op)
   local cursor = client:statuses(copy(op.options))
   op.cursor = op.leave == "close" and cursor or nil
   if op.pages then return read_pages(scene, op, cursor) end
   local closed <close> = op.leave ~= "drop" and cursor or nil -- luacheck: ignore 211
   for record in cursor do
      op.ids[#op.ids + 1] = record.process_id
      look(scene, op, record, op.options.fields)
      if op.leave and op.leave ~= "close" and #op.ids == op.after then return end
      if op.resume == #op.ids then return resume(scene, client, op, cursor) end
      if op.slow and #op.ids % op.slow == 0 then client:sleep(op.sleep) end
   end
   op.complete = true
end

function perform.wait(scene, client, op)
   op.ok, op.err = client:wait_until_done(op.id, { timeout = 4 })
   local record = op.ok or op.err.status
   if record then look(scene, op, record) end
end

function perform.watch(scene, client, op)
   for record, gone in client:watch(op.given, { timeout = 4 }) do
      op.ids[#op.ids + 1], op.words[#op.words + 1] = record.process_id, record.status
      if gone then op.gone = record.process_id else look(scene, op, record) end
   end
   op.complete = true
end

function perform.wait_all(scene, client, op)
   local all, err = client:wait_all(op.given, { timeout = 4 })
   op.err = err
   for id, record in pairs(all or {}) do
      op.ids[#op.ids + 1], op.words[#op.words + 1] = id, record.status
      look(scene, op, record)
   end
   op.complete = all ~= nil
end

-- ---- beginning and ending -----------------------------------------------------------------------

local function begin(scene, op)
   op.begun, op.began, op.first_epoch = true, scene.time(), scene.epoch
   op.given, op.ids, op.words = op.ids, {}, {}
end

local function finish(scene, op, client_state)
   op.ended, op.last_epoch, op.cursor, op.handle = scene.time(), scene.epoch, nil, nil
   client_state.under_way = client_state.under_way - 1
   scene.ended = scene.ended + 1
end
operations.finish = finish

--- Performs an operation from beginning to end.
function operations.run(scene, client_state, op)
   begin(scene, op)
   local ok, err = pcall(perform[op.kind], scene, client_state.client, op)
   if not ok then
      op.err, op.raised, op.ok = err, true, nil
   end
   if op.resumed or op.kind == "page" then op.last_epoch = scene.epoch end
   finish(scene, op, client_state)
end

--- Begins it by client:start; `operations.poll` ends it.
function operations.start(scene, client_state, op)
   begin(scene, op)
   local argument = op.id
   if op.kind == "page" then argument = { limit = op.limit } end
   local ok, handle = pcall(client_state.client.start, client_state.client, op.started, argument)
   if not ok then
      op.err, op.raised = handle, true
      return finish(scene, op, client_state)
   end
   if op.dropped then
      client_state.under_way = client_state.under_way - 1
      scene.ended = scene.ended + 1
      return
   end
   op.handle = handle
end

--- Takes the result of a started operation when it is there. True: it has ended.
function operations.poll(scene, client_state, op)
   if not op.handle:done() then return false end
   local ok, first, second = pcall(op.handle.result, op.handle)
   if not ok then
      op.err, op.raised = first, true
   elseif op.kind == "page" and first then
      add_page(scene, op, first)
   elseif op.kind == "delete" then
      note_deletion(op, first, second)
   else
      op.ok, op.err = first, second
      if first and op.kind == "get" then look(scene, op, first) end
   end
   finish(scene, op, client_state)
   return true
end

return operations
