// rooms.js: the rooms there are. Their ids are channels; the replayed people of scripts/demo are in room01 to room27.

const titles = [
  'Lighthouse', 'Harbour', 'Observatory', 'Greenhouse', 'Library', 'Workshop', 'Tea house', 'Rooftop', 'Boathouse',
  'Garden', 'Kitchen', 'Studio', 'Archive', 'Courtyard', 'Bakery', 'Orchard', 'Gallery', 'Attic', 'Terrace', 'Forge',
  'Mill', 'Theatre', 'Station', 'Chapel', 'Market', 'Cellar', 'Bridge',
];

// Each { id, title }.
export const rooms = titles.map((title, index) => ({ id: `room${String(index + 1).padStart(2, '0')}`, title }));
