-- A plug-in for darktable: tags each picture of the library with the status of its newest job, as
-- "topaz|Processing" or "topaz|Completed". A picture and its job have the same file name.
--
-- Put it into ~/.config/darktable/lua/topaz_status.lua, and the line `require "topaz_status"` into
-- ~/.config/darktable/luarc. Give it a shortcut in darktable's preferences. The tags then change
-- with the jobs, until all are finished. $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API.
local dt = require "darktable"
local topaz = require "topaz"

local GROUP = "topaz|"
local PAUSE = 50 -- milliseconds between two steps, in which darktable does other things
local BUDGET = 0.005 -- seconds of a step

-- Shown over the picture, or written to the terminal by darktable-cli -d lua.
local say = dt.configuration.has_gui and dt.print or dt.print_error
local plugin = { running = false }

--- The pictures of the library by file name: a list for each, for folders may have the same names.
local function pictures()
   local by_name = {}
   for _, image in ipairs(dt.database) do
      by_name[image.filename] = by_name[image.filename] or {}
      table.insert(by_name[image.filename], image)
   end
   return by_name
end

-- Replaces the tag of all pictures of that name.
local function show(images, word)
   for _, image in ipairs(images) do
      for _, tag in ipairs(dt.tags.get_tags(image)) do
         if tag.name:sub(1, #GROUP) == GROUP then dt.tags.detach(tag, image) end
      end
      dt.tags.attach(dt.tags.create(GROUP .. word), image)
   end
end

--- The newest job of each picture.
-- @treturn table by file name: the status
local function newest(client, images)
   local names, found = {}, {}
   for name in pairs(images) do names[#names + 1] = name end
   local jobs = client:statuses { where = { filename = names }, fields = { "filename", "status", "creation_time" } }
   for status in jobs do
      local other = found[status.filename]
      if not other or status.creation_time > other.creation_time then found[status.filename] = status end
   end
   return found
end

-- The task. Its calls yield; darktable's own functions are called as anywhere else.
local function follow(client)
   local images, unfinished, name_of = pictures(), {}, {}
   for name, status in pairs(newest(client, images)) do
      show(images[name], status.status)
      name_of[status.process_id] = name
      if not topaz.is_done(status) then unfinished[#unfinished + 1] = status.process_id end
   end
   local function changed(status) show(images[name_of[status.process_id]], status.status) end
   for status, err in client:watch(unfinished, { on_progress = changed }) do
      if err then say("topaz: " .. tostring(err)) else changed(status) end
   end
end

--- Begins, unless it runs already. Returns at once.
function plugin.start()
   if plugin.running then return end
   plugin.running = true
   dt.control.dispatch(function()
      local client <close> = topaz.client()
      local task = client:spawn(follow, client)
      repeat
         client:step(0, BUDGET)
         dt.control.sleep(PAUSE) -- darktable and its other scripts go on meanwhile
      until task:done() or dt.control.ending
      if task:done() then
         local ok, err = pcall(task.result, task)
         if not ok then say("topaz: " .. tostring(err)) end
      end
      plugin.running = false
   end)
end

if dt.configuration.has_gui then
   dt.register_event("topaz_status", "shortcut", plugin.start, "statuses of upscaled pictures")
end

return plugin
