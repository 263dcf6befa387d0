-- What is handed out: the rockspecs, and the tarball of `make dist`.
-- The rocks themselves are tried by `make rock`.
local blocks = require "spec.docs.blocks"
local command = require "spec.support.command"

local run, lines_of = command.run, command.lines

local version = blocks.read "csrc/version.h":match "TOPAZ_VERSION \"([%d.]+)\""
local RELEASE = ("rockspec/topaz-%s-1.rockspec"):format(version)

local function rockspec(path)
   local globals = {}
   assert(loadfile(path, "t", globals))()
   return globals
end

describe("the rockspecs", function()
   it("list the files of the core, for where LuaRocks compiles them itself", function()
      local core = rockspec(RELEASE).build.platforms.windows.modules["topaz.core"]
      assert.same(lines_of "find csrc -name '*.c' | LC_ALL=C sort", core.sources, "make rockspecs writes the list")
   end)

   it("are the same, but for the version and where it comes from", function()
      local release, latest = rockspec(RELEASE), rockspec "rockspec/topaz-scm-1.rockspec"
      assert.equal(version .. "-1", release.version)
      assert.equal(("topaz-%s.tar.gz"):format(version), release.source.url:match "[^/]+$")
      release.version, release.source, latest.version, latest.source = nil, nil, nil, nil
      assert.same(latest, release)
   end)

   it("need the Lua modules that the Debian package needs", function()
      local wanted, given = {}, {}
      for _, dependency in ipairs(rockspec(RELEASE).dependencies) do
         local name = dependency:match "^[%w-]+"
         if name ~= "lua" then wanted[#wanted + 1] = name:gsub("^lua%-", "") end
      end
      local depends = blocks.read "rockspec/debian/control":match "\nDepends:(.-)\n%u"
      for name in depends:gmatch "\n lua%-([%w-]+)" do given[#given + 1] = name end
      table.sort(wanted)
      table.sort(given)
      assert.same(wanted, given)
   end)
end)

describe("the version", function()
   it("has a date in the changelog", function()
      local first, date = blocks.read "CHANGELOG.md":match "\n## %[([%d.]+)%] %- (%d%d%d%d%-%d%d%-%d%d)\n"
      assert.equal(version, first)
      assert.is_string(date)
   end)
end)

describe("the tarball", function()
   local folder, unpacked

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      unpacked = ("%s/topaz-%s"):format(folder, version)
      assert.matches("exit 0\n$", run("sh .ci/dist " .. folder))
      assert.equal("exit 0\n", run(("cd %s && tar -xzf topaz-%s.tar.gz"):format(folder, version)))
   end)
   teardown(function() os.execute("rm -rf " .. folder) end)

   it("has the same bytes when it is made again, elsewhere, from itself", function()
      assert.matches("exit 0\n$", run(("cd %s && find . -exec touch {} +; umask 077; sh .ci/dist"):format(unpacked)))
      local made = lines_of(("ls %s/build/dist"):format(unpacked))
      assert.same({ ("topaz-%s-1.src.rock"):format(version), ("topaz-%s.tar.gz"):format(version) }, made)
      for _, name in ipairs(made) do
         assert.equal("exit 0\n", run(("cd %s && cmp %s %s/build/dist/%s"):format(folder, name, unpacked, name)))
      end
   end)

   it("can be installed without git, in an empty environment, and says its version", function()
      local alone = "env -i PATH=/usr/bin:/bin HOME=" .. folder
      local install = "%s make -C %s install PREFIX=%s/there CFLAGS=-O0"
      assert.matches("exit 0\n$", run(install:format(alone, unpacked, folder)))
      local said = run(("%s %s/there/bin/topaz-status --version"):format(alone, folder))
      assert.equal(("topaz-status %s\nexit 0\n"):format(version), said)
      local page = blocks.read(folder .. "/there/share/man/man1/topaz-status.1")
      assert.truthy(page:find(("topaz %s"):format(version), 1, true))
   end)
end)
