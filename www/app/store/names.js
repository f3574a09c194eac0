// People and towns by country, so that a customer from Kraków is called Zofia and not Takumi.

/** Each country: given names, family names, towns, and the weight with which it is chosen. */
export const COUNTRIES = [
  place("Australia", 6, "Amelia Charlotte Cooper Ethan Hamish Imogen Isla Jack Lachlan Matilda Oliver Ruby",
    "Anderson Baker Campbell Davies Edwards Fletcher Harris Kelly Mitchell Murphy Walker Whitlam",
    "Adelaide|Brisbane|Hobart|Melbourne|Perth|Sydney"),
  place("Brazil", 8, "Ana Beatriz Caio Fernanda Gabriel João Larissa Luana Mateus Pedro Rafael Thiago",
    "Almeida Barbosa Cardoso Carvalho Costa Ferreira Gomes Lima Moreira Nascimento Rocha Souza",
    "Belo Horizonte|Curitiba|Recife|Rio de Janeiro|Salvador|São Paulo"),
  place("Canada", 7, "Adèle Benoît Chloé Emma Félix Grace Liam Logan Noah Olivia Sophie William",
    "Bouchard Campbell Gagnon Lavoie MacDonald Morin Roy Stewart Thompson Tremblay Wilson Wong",
    "Calgary|Halifax|Montréal|Ottawa|Toronto|Vancouver"),
  place("France", 9, "Camille Claire Émile Hugo Inès Jules Léa Louis Manon Mathilde Théo Zoé",
    "Bernard Dubois Durand Fontaine Garnier Lambert Lefèvre Mercier Moreau Petit Rousseau Simon",
    "Bordeaux|Lille|Lyon|Marseille|Nantes|Paris|Toulouse"),
  place("Germany", 10, "Anna Clara Emil Felix Greta Jonas Jürgen Katrin Leonie Lukas Moritz Sabine",
    "Bauer Becker Fischer Hoffmann Jäger Keller Krüger Lehmann Neumann Schäfer Vogel Weiß",
    "Berlin|Dresden|Frankfurt|Hamburg|Köln|Leipzig|München"),
  place("India", 9, "Aarav Ananya Arjun Diya Ishaan Kavya Meera Neha Priya Rahul Rohan Vikram",
    "Banerjee Bose Chopra Desai Gupta Iyer Joshi Kapoor Mehta Nair Patel Rao",
    "Ahmedabad|Bengaluru|Chennai|Kolkata|Mumbai|Pune"),
  place("Ireland", 4, "Aoife Ciarán Conor Fionn Maeve Niamh Oisín Orla Rory Saoirse Seán Tadhg",
    "Brennan Byrne Doyle Fitzgerald Gallagher Kavanagh Lynch Nolan O'Brien O'Connor Quinn Ryan",
    "Cork|Dublin|Galway|Limerick|Waterford"),
  place("Italy", 8, "Alessia Bianca Chiara Davide Elena Federico Giulia Lorenzo Marco Niccolò Sofia Tommaso",
    "Bianchi Conti De_Luca Esposito Ferrari Gallo Greco Marino Ricci Romano Rossi Russo",
    "Bologna|Firenze|Genova|Milano|Napoli|Roma|Torino"),
  place("Japan", 9, "Aiko Daichi Haruka Hiroshi Kenji Mei Naoki Rin Sakura Takumi Yui Yuto",
    "Endo Fujita Hayashi Ito Kobayashi Matsumoto Mori Nakamura Sato Suzuki Tanaka Yamamoto",
    "Fukuoka|Kobe|Kyoto|Nagoya|Osaka|Sapporo|Tokyo"),
  place("Netherlands", 5, "Anouk Bram Daan Eva Femke Jeroen Lotte Luuk Maartje Ruben Sanne Thijs",
    "Bakker Bos De_Boer De_Vries Dekker Hendriks Jansen Mulder Smit Van_Dijk Van_Leeuwen Visser",
    "Amsterdam|Den Haag|Eindhoven|Groningen|Rotterdam|Utrecht"),
  place("Norway", 4, "Astrid Bjørn Eirik Erik Håkon Ingrid Kari Magnus Nora Sigrid Solveig Øyvind",
    "Andersen Berg Bakke Dahl Hagen Hansen Johansen Kristiansen Larsen Moen Nilsen Ødegård",
    "Bergen|Oslo|Stavanger|Tromsø|Trondheim"),
  place("Poland", 6, "Agnieszka Aleksandra Bartosz Jakub Kacper Katarzyna Łukasz Małgorzata Michał Piotr Wojciech Zofia",
    "Dąbrowski Kamiński Kowalczyk Kowalski Kozłowski Krawczyk Mazur Nowak Szymański Wiśniewski Wójcik Zieliński",
    "Gdańsk|Kraków|Łódź|Poznań|Warszawa|Wrocław"),
  place("Portugal", 3, "Afonso Beatriz Catarina Duarte Francisca Gonçalo Inês Madalena Miguel Rodrigo Tiago Vasco",
    "Carvalho Coelho Fonseca Gonçalves Lopes Marques Mendes Neves Pinto Ribeiro Silva Teixeira",
    "Braga|Coimbra|Lisboa|Porto"),
  place("Spain", 7, "Alba Álvaro Carmen Diego Iker Javier Lucía Marta Nerea Pablo Rocío Sergio",
    "Castillo Delgado Fernández García Ibáñez Jiménez Martín Navarro Núñez Ortega Ramírez Serrano",
    "Barcelona|Bilbao|Granada|Madrid|Sevilla|Valencia"),
  place("Sweden", 5, "Alma Axel Björn Ebba Elsa Gustav Linnéa Malin Oskar Signe Viktor Åsa",
    "Andersson Bergström Eklund Forsberg Holm Lindqvist Lundgren Nyström Sandberg Sjöberg Wallin Öberg",
    "Göteborg|Lund|Malmö|Stockholm|Uppsala"),
  place("Turkey", 4, "Ayşe Cem Deniz Elif Emre Hakan Leyla Mehmet Selin Yasemin Zeynep Çağlar",
    "Aksoy Aydın Çelik Demir Güneş Kaya Koç Özdemir Şahin Yıldız Yılmaz Öztürk",
    "Ankara|Bursa|İstanbul|İzmir"),
  place("United Kingdom", 10, "Alice Archie Callum Eleanor Freya George Harriet Isobel Oscar Poppy Rhys Toby",
    "Ashworth Bennett Clarke Evans Hughes MacLeod Morgan Palmer Robinson Spencer Turner Wright",
    "Belfast|Bristol|Cardiff|Edinburgh|Glasgow|Leeds|London|Manchester"),
  place("United States", 16, "Aaron Caleb Dana Evelyn Grace Hannah Isaac Jasmine Marcus Naomi Sierra Tyler",
    "Brooks Carter Coleman Diaz Foster Hayes Jenkins Martinez Nguyen Parker Reed Sullivan",
    "Austin|Boston|Chicago|Denver|Nashville|New Orleans|New York|Portland|Seattle"),
];

function place(country, weight, given, family, towns) {
  const list = (words) => words.split(" ").map((word) => word.replaceAll("_", " "));
  return { country, weight, given: list(given), family: list(family), towns: towns.split("|") };
}

const FOLDED = { ø: "o", Ø: "O", ł: "l", Ł: "L", ß: "ss", ı: "i", æ: "ae" };

/** A name as it stands in an e-mail address: lower case and ASCII. */
export function asAddress(name) {
  const plain = name.replace(/[øØłŁßıæ]/gu, (letter) => FOLDED[letter]).normalize("NFD");
  return plain.replace(/[^a-zA-Z]/gu, "").toLowerCase();
}
