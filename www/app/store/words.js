// The words that titles and bands are made of. Order matters: the store is the same on every machine.

const list = (words) => words.trim().split(/\s+/u);

export const ADJECTIVES = list(`
  Amber Ancient Bitter Blue Borrowed Bright Broken Burning Careful Cold Copper Crooked Distant Dusty Early Electric Empty
  Endless Faded Faithful Feral Final Floating Foreign Forgotten Fragile Gentle Gilded Golden Green Half-Lit Hidden Hollow
  Honest Idle Indigo Invisible Iron Late Lonely Long Lost Lucky Lunar Marble Midnight Modern Narrow Nervous Northern Open
  Ordinary Pale Paper Patient Perfect Plain Polar Private Quiet Radiant Reckless Restless Rolling Rustic Salted Scarlet
  Second Secret Silent Silver Simple Sleeping Slow Solar Southern Static Stolen Strange Sudden Sunken Tender Thin Tidal
  Twisted Velvet Wandering Warm Western White Wild Winter Wooden Yellow Young`);

export const NOUNS = list(`
  Alibi Almanac Anchor Anthem Arcade Archive Arrow Atlas Attic Avenue Balcony Ballad Beacon Bell Bicycle Bird Blackbird
  Border Bridge Brook Cabin Calendar Camera Candle Canyon Carousel Cathedral Ceiling Cellar Chimney Circle Cliff Clock Coast
  Comet Compass Corner Cottage Courtyard Curtain Dancer Daybreak Desert Diary Distance Doorway Dream Echo Eclipse Elevator
  Ember Engine Evening Factory Feather Fever Field Fire Flood Flower Forest Fortune Fountain Fox Frost Garden Ghost Glacier
  Glasshouse Gravity Guitar Harbour Harvest Heart Highway Hill Honey Horizon Hour House Hunter Island Jar Journey Junction
  Kingdom Kite Ladder Lake Lantern Letter Library Light Lighthouse Lily Lullaby Machine Magnet Map Market Meadow Melody
  Memory Mercury Meridian Mirror Monday Monument Moon Motel Mountain Museum Needle Neighbour Nickel Night Ocean Orchard
  Orchid Oyster Parade Parlour Passenger Pearl Pendulum Piano Picture Pilot Planet Platform Pocket Postcard Prairie Promise
  Quarry Radio Railway Rain Raven Reason River Rocket Roof Room Rose Sailor Salt Satellite Season Shadow Shelter Shore
  Signal Silence Sky Sleeper Smoke Snow Sparrow Spring Staircase Star Station Steeple Stone Storm Story Street Suburb Sugar
  Summer Sunday Swallow Telegram Theatre Thread Thunder Tide Tower Traffic Train Treasure Tunnel Umbrella Valley Vessel
  Village Violet Voice Volcano Wave Weather Whisper Window Wing Wire Wolf Wonder Yard`);

export const GROUP_NOUNS = list(`
  Acrobats Architects Astronomers Bakers Botanists Cartographers Carpenters Clerks Couriers Divers Drifters Echoes Embers
  Falcons Ferrymen Florists Foxes Gardeners Ghosts Gliders Hounds Lanterns Librarians Lighthouses Mapmakers Mechanics
  Merchants Mirrors Moths Navigators Neighbours Orphans Painters Pilots Printers Ravens Sailors Satellites Scholars Sirens
  Sleepwalkers Sparrows Strangers Surveyors Tailors Travellers Vagrants Villagers Weavers Wolves`);

export const GERUNDS = list(`
  Breaking Building Burning Calling Carrying Catching Chasing Climbing Counting Crossing Dancing Drawing Dreaming Driving
  Drowning Facing Falling Feeding Finding Floating Following Forgetting Hiding Holding Hunting Keeping Leaving Living Losing
  Missing Painting Reading Riding Running Sailing Searching Singing Sleeping Stealing Swimming Talking Tracing Waiting
  Walking Watching Writing`);

export const PREPOSITIONS = ["Above", "Across", "Against", "Around", "Behind", "Below", "Beneath", "Beyond", "by", "for",
  "from", "in", "into", "Near", "on", "over", "Past", "Through", "to", "Towards", "Under", "with", "Without"];

export const SEASONS = ["April", "Autumn", "December", "February", "January", "July", "June", "March", "May", "November",
  "October", "September", "Spring", "Summer", "the Morning", "the Rain", "Winter"];

export const VENUES = ["the Apollo", "the Assembly Rooms", "the Blue Door", "the Cellar", "the Corn Exchange", "the Drill Hall",
  "the Empire", "the Granary", "the Guildhall", "the Old Brewery", "the Paradiso", "the Playhouse", "the Roundhouse",
  "the Tivoli", "the Town Hall", "the Union Chapel"];

export const LABELS = ["Alembic Records", "Blue Retort", "Brass & Reed", "Calcine", "Coastal Recordings", "Crucible",
  "Fifth Season", "Half Moon Music", "Hermes Street", "Kiln Records", "Luna Park", "Northern Exposure", "Quicksilver",
  "Sublimate", "Tin Roof", "Vitriol"];

/** Genres with their weight and what a group playing it may be called. */
export const GENRES = [
  { name: "Rock", weight: 20, ensembles: [] },
  { name: "Indie", weight: 14, ensembles: [] },
  { name: "Pop", weight: 13, ensembles: [] },
  { name: "Jazz", weight: 11, ensembles: ["Trio", "Quartet", "Quintet", "Big Band"] },
  { name: "Electronic", weight: 11, ensembles: ["Sound System", "Machine"] },
  { name: "Folk", weight: 8, ensembles: ["String Band", "Family"] },
  { name: "Soul", weight: 7, ensembles: ["Revue", "Orchestra"] },
  { name: "Metal", weight: 6, ensembles: [] },
  { name: "Classical", weight: 6, ensembles: ["Ensemble", "Quartet", "Chamber Orchestra", "Consort"] },
  { name: "Ambient", weight: 4, ensembles: ["Project"] },
];
