-- The plug-in of spec/examples/darktable.lua in darktable-cli, which needs no display.
local world = require "spec.support.world"

describe("the plug-in for darktable", function()
   if not os.execute "command -v darktable-cli >/dev/null 2>&1" then
      it("tags pictures with their statuses", function() pending "darktable is not installed" end)
      return
   end

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder

   local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "wb"))
      file:write(text)
      file:close()
   end

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute("mkdir " .. folder))
      for _, name in ipairs { "cat", "dog", "bird" } do
         write(name .. ".pfm", "PF\n8 8\n-1.0\n" .. ("f"):rep(8 * 8 * 3):gsub("f", string.pack("<f", 0.5)))
      end
      -- Runs the plug-in, and prints the tags each time one has changed.
      write("commands.lua", ([[
         local dt = require "darktable"
         -- darktable-cli does not wait for scripts, and ends when it has exported the picture.
         local finished = false
         dt.register_event("spec", "intermediate-export-image", function()
            while not finished do dt.control.sleep(10) end
         end)
         local plugin = dofile "spec/examples/darktable.lua"
         for name in ("dog bird"):gmatch "%%a+" do dt.database.import("%s/" .. name .. ".pfm") end
         local function tags()
            local words = {}
            for _, image in ipairs(dt.database) do
               for _, tag in ipairs(dt.tags.get_tags(image)) do
                  local word = tag.name:match "^topaz|(.*)"
                  if word then words[#words + 1] = image.filename .. "=" .. word end
               end
            end
            table.sort(words)
            return table.concat(words, " ")
         end
         io.stdout:setvbuf "no"
         local ticks, last = 0, ""
         local function tell()
            local now = tags()
            if now ~= last then print("tags: " .. now) end
            last = now
         end
         plugin.start()
         plugin.start() -- it runs already
         while plugin.running do
            dt.control.sleep(10)
            ticks = ticks + 1
            tell()
         end
         tell() -- the last change may have come after the last look
         print("ticks: " .. ticks)
         finished = true
      ]]):format(folder))
   end)
   teardown(function() os.execute("rm -rf " .. folder) end)

   -- Calls f with each line that darktable prints; returns all of them.
   local function run(key, f)
      local pipe = assert(io.popen(([[
         LUA_PATH='%s' LUA_CPATH='%s' TOPAZ_API_KEY='%s' TOPAZ_BASE_URL='%s' timeout 120 darktable-cli \
            %s/cat.pfm %s/out.jpg --core --configdir %s/config --cachedir %s/cache --library :memory: -d lua \
            --luacmd 'dofile "%s/commands.lua"' 2>&1]]):format(
         package.path, package.cpath, key, emulator().url, folder, folder, folder, folder, folder)))
      local all = {}
      for line in pipe:lines() do
         all[#all + 1] = line
         f(line)
      end
      pipe:close()
      return table.concat(all, "\n")
   end

   it("tags pictures with their statuses, while darktable's other scripts go on", function()
      emulator():add_jobs {
         { filename = "cat.pfm", timeline = { processing = 60 } },
         { filename = "dog.pfm", status = "Failed", age = 100 },
         { filename = "dog.pfm", status = "Completed", age = 10 },
         { filename = "fish.pfm", timeline = { processing = 60 } },
      }
      local seen = {}
      local text = run(emulator().key, function(line)
         local tags = line:match "^tags: (.*)"
         if tags then
            seen[#seen + 1] = tags
            if tags:find "cat.pfm=Processing" then emulator():advance(61) end
         end
      end)
      assert.equal("cat.pfm=Completed dog.pfm=Completed", seen[#seen], text)
      assert.truthy(table.concat(seen, "; "):find "cat.pfm=Processing dog.pfm=Completed", text)
      assert.is_true(tonumber(text:match "ticks: (%d+)") > 2, text)
   end)

   it("ends with an error message when the API refuses", function()
      local text = run("wrong-key", function() end)
      assert.matches("topaz: .*unauthorized", text)
      assert.matches("ticks: %d", text)
   end)
end)
